import { BerCursor, type BerFault } from "./ber-cursor.ts";

/** What can be read of an SNMP message without keys. */
export interface MessageFacts {
  /** 1 for v2c, 3 for v3. */
  readonly version: number;
  /** What the library tells requests apart by: the PDU's request-id, for v3 the msgID. */
  readonly id: number;
  /** Of v2c. */
  readonly community: Uint8Array | undefined;
  /** Tag of the PDU; undefined where it is encrypted. */
  readonly pdu: number | undefined;
  /** msgFlags of v3: bit 0 authenticated, bit 1 encrypted. */
  readonly flags: number;
  /** Where the message ends; what a datagram has beyond is not looked at. */
  readonly end: number;
}

export type MessageReading = { readonly ok: true; readonly facts: MessageFacts } | ({ readonly ok: false } & BerFault);

const integerTag = 0x02;
const octetsTag = 0x04;
const sequenceTag = 0x30;

/** PDU tags of RFC 3416. */
export const responsePdu = 0xa2;
export const reportPdu = 0xa8;

/** Longest content of each primitive type of RFC 2578; -1: as long as it likes. */
const valueBytesMax: Readonly<Record<number, number>> = {
  [integerTag]: 8,
  [octetsTag]: -1,
  5: 0, // NULL
  64: 4, // IpAddress
  65: 5, // Counter32
  66: 5, // Gauge32
  67: 5, // TimeTicks
  68: -1, // Opaque
  70: 9, // Counter64
  128: 0, // noSuchObject
  129: 0, // noSuchInstance
  130: 0, // endOfMibView
};

const integerTags = new Set([integerTag, 65, 66, 67, 70]);

/**
 * Reads the frame of a message (RFC 3416, RFC 3412) and checks the whole of its BER, so that what a parser behind it
 * gets has no false length anywhere. Answers at which byte the first fault is.
 */
export function readMessage(bytes: Uint8Array): MessageReading {
  const cursor = new BerCursor(bytes);
  const facts = readFrame(cursor);
  if (facts) return { ok: true, facts };
  return { ok: false, ...(cursor.fault ?? { reason: "not a message of this version", offset: cursor.offset }) };
}

function readFrame(cursor: BerCursor): MessageFacts | undefined {
  if (!cursor.enter(sequenceTag)) return undefined;
  const version = cursor.integer(integerTag, 4);
  if (version === undefined) return undefined;
  if (version === 3) return readSecured(cursor);
  const community = cursor.content(octetsTag);
  const pdu = cursor.peek();
  const id = readPdu(cursor);
  if (community === undefined || id === undefined || !cursor.leave()) return undefined;
  return { version, id, community, pdu, flags: 0, end: cursor.offset };
}

function readSecured(cursor: BerCursor): MessageFacts | undefined {
  if (!cursor.enter(sequenceTag)) return undefined;
  const id = cursor.integer(integerTag, 4);
  cursor.integer(integerTag, 5);
  const flags = cursor.content(octetsTag)?.[0];
  const model = cursor.integer(integerTag, 4);
  if (!cursor.leave() || id === undefined || flags === undefined || model !== 3) return undefined;
  if (!passSecurityParameters(cursor)) return undefined;
  if (flags & 2) {
    if (cursor.content(octetsTag) === undefined || !cursor.leave()) return undefined;
    return { version: 3, id, community: undefined, pdu: undefined, flags, end: cursor.offset };
  }
  if (!cursor.enter(sequenceTag)) return undefined;
  cursor.content(octetsTag);
  cursor.content(octetsTag);
  const pdu = cursor.peek();
  if (readPdu(cursor) === undefined || !cursor.leave() || !cursor.leave()) return undefined;
  return { version: 3, id, community: undefined, pdu, flags, end: cursor.offset };
}

/** UsmSecurityParameters of RFC 3414, 2.4, inside of an OCTET STRING. */
function passSecurityParameters(cursor: BerCursor): boolean {
  if (!cursor.enter(octetsTag) || !cursor.enter(sequenceTag)) return false;
  cursor.content(octetsTag);
  cursor.integer(integerTag, 5);
  cursor.integer(integerTag, 5);
  cursor.content(octetsTag);
  cursor.content(octetsTag);
  cursor.content(octetsTag);
  return cursor.leave() && cursor.leave();
}

/** Checks a PDU to its end and answers its request-id. */
function readPdu(cursor: BerCursor): number | undefined {
  const tag = cursor.peek();
  if (tag === undefined || tag < 0xa0 || tag > reportPdu || !cursor.enter(tag)) return undefined;
  const id = cursor.integer(integerTag, 4);
  cursor.integer(integerTag, 4);
  cursor.integer(integerTag, 4);
  if (!cursor.enter(sequenceTag)) return undefined;
  while (cursor.more) {
    if (!cursor.enter(sequenceTag) || !cursor.oid() || !passValue(cursor) || !cursor.leave()) return undefined;
  }
  return cursor.leave() && cursor.leave() ? id : undefined;
}

function passValue(cursor: BerCursor): boolean {
  const tag = cursor.peek() ?? 0;
  if (tag === 6) return cursor.oid();
  const bytesMax = valueBytesMax[tag];
  if (bytesMax === undefined) return cursor.refuse(`a value of type 0x${tag.toString(16)}`);
  if (integerTags.has(tag)) return cursor.integer(tag, bytesMax) !== undefined;
  const content = cursor.content(tag);
  if (content === undefined) return false;
  return bytesMax < 0 || content.length === bytesMax || cursor.refuse(`a value of ${content.length} bytes`);
}
