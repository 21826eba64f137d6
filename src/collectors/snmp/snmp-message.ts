import { BerCursor, type BerFault } from "./ber-cursor.ts";
import { counter64Value, octetsValue, opaqueValue, type SnmpValue, type Varbind } from "./values.ts";

/** What can be read of an SNMP message without keys. */
export interface SnmpMessage {
  /** 0 for v1, 1 for v2c, 3 for v3. */
  readonly version: number;
  /** What tells requests apart: the PDU's request-id, for v3 the msgID. */
  readonly id: number;
  /** Of v1 and v2c. */
  readonly community: Uint8Array | undefined;
  /** Undefined where it is encrypted. */
  readonly pdu: SnmpPdu | undefined;
  /** msgFlags of v3: bit 0 authenticated, bit 1 encrypted. */
  readonly flags: number;
  /** Where the message ends; what a datagram has beyond is not looked at. */
  readonly end: number;
}

export interface SnmpPdu {
  readonly tag: number;
  readonly requestId: number;
  readonly errorStatus: number;
  /** From 1; 0 where no varbind is to blame. */
  readonly errorIndex: number;
  readonly varbinds: readonly Varbind[];
}

export type MessageReading = { readonly ok: true; readonly message: SnmpMessage } | ({ readonly ok: false } & BerFault);

/** Tags of RFC 2578 and RFC 3416. */
export const snmpTags = {
  integer: 0x02,
  octets: 0x04,
  none: 0x05,
  oid: 0x06,
  sequence: 0x30,
  opaque: 0x44,
  counter64: 0x46,
  get: 0xa0,
  getNext: 0xa1,
  response: 0xa2,
  getBulk: 0xa5,
  report: 0xa8,
} as const;

/** Longest content of the numbers; those of 32 bits may have a zero in front. */
const numberBytesMax: Readonly<Record<number, number>> = {
  65: 5, // Counter32
  66: 5, // Gauge32
  67: 5, // TimeTicks
};
/** NULL, noSuchObject, noSuchInstance, endOfMibView. */
const absentTags = new Set([5, 128, 129, 130]);
const ipAddressTag = 0x40;
/** Of snmpEngineBoots and snmpEngineTime (RFC 3414, 2.4). */
const engineNumberMax = 2 ** 31 - 1;

/**
 * Reads a message (RFC 3416, RFC 3412) to its end and checks the whole of its BER, so that what a parser behind it gets
 * has no false length anywhere. Answers at which byte the first fault is.
 */
export function readMessage(bytes: Uint8Array): MessageReading {
  const cursor = new BerCursor(bytes);
  const message = readFrame(cursor);
  if (message) return { ok: true, message };
  return { ok: false, ...(cursor.fault ?? { reason: "not a message of this version", offset: cursor.offset }) };
}

function readFrame(cursor: BerCursor): SnmpMessage | undefined {
  if (!cursor.enter(snmpTags.sequence)) return undefined;
  const version = cursor.integer(snmpTags.integer, 4);
  if (version === undefined) return undefined;
  if (version === 3) return readSecured(cursor);
  const community = cursor.content(snmpTags.octets);
  const pdu = readPdu(cursor);
  if (community === undefined || pdu === undefined || !cursor.leave()) return undefined;
  return { version, id: pdu.requestId, community, pdu, flags: 0, end: cursor.offset };
}

function readSecured(cursor: BerCursor): SnmpMessage | undefined {
  if (!cursor.enter(snmpTags.sequence)) return undefined;
  const id = cursor.integer(snmpTags.integer, 4);
  cursor.integer(snmpTags.integer, 5);
  const flags = cursor.content(snmpTags.octets)?.[0];
  const model = cursor.integer(snmpTags.integer, 4);
  if (!cursor.leave() || id === undefined || flags === undefined || model !== 3) return undefined;
  if (!passSecurityParameters(cursor)) return undefined;
  if (flags & 2) {
    if (cursor.content(snmpTags.octets) === undefined || !cursor.leave()) return undefined;
    return { version: 3, id, community: undefined, pdu: undefined, flags, end: cursor.offset };
  }
  if (!cursor.enter(snmpTags.sequence)) return undefined;
  cursor.content(snmpTags.octets);
  cursor.content(snmpTags.octets);
  const pdu = readPdu(cursor);
  if (pdu === undefined || !cursor.leave() || !cursor.leave()) return undefined;
  return { version: 3, id, community: undefined, pdu, flags, end: cursor.offset };
}

/** UsmSecurityParameters of RFC 3414, 2.4, inside of an OCTET STRING. */
function passSecurityParameters(cursor: BerCursor): boolean {
  if (!cursor.enter(snmpTags.octets) || !cursor.enter(snmpTags.sequence)) return false;
  cursor.content(snmpTags.octets);
  for (const what of ["boots", "time"]) {
    const number = cursor.integer(snmpTags.integer, 5) ?? 0;
    if (number < 0 || number > engineNumberMax) cursor.refuse(`engine ${what} of ${number}`);
  }
  cursor.content(snmpTags.octets);
  cursor.content(snmpTags.octets);
  cursor.content(snmpTags.octets);
  return cursor.leave() && cursor.leave();
}

function readPdu(cursor: BerCursor): SnmpPdu | undefined {
  const tag = cursor.peek();
  if (tag === undefined || tag < snmpTags.get || tag > snmpTags.report || !cursor.enter(tag)) return undefined;
  const requestId = cursor.integer(snmpTags.integer, 4);
  const errorStatus = cursor.integer(snmpTags.integer, 4);
  const errorIndex = cursor.integer(snmpTags.integer, 4);
  if (!cursor.enter(snmpTags.sequence)) return undefined;
  const varbinds: Varbind[] = [];
  while (cursor.more) {
    const varbind = readVarbind(cursor);
    if (varbind === undefined) return undefined;
    varbinds.push(varbind);
  }
  if (!cursor.leave() || !cursor.leave()) return undefined;
  if (requestId === undefined || errorStatus === undefined || errorIndex === undefined) return undefined;
  return { tag, requestId, errorStatus, errorIndex, varbinds };
}

function readVarbind(cursor: BerCursor): Varbind | undefined {
  if (!cursor.enter(snmpTags.sequence)) return undefined;
  const oid = cursor.oid();
  const tag = cursor.peek() ?? 0;
  const value = readValue(cursor, tag);
  if (oid === undefined || value === undefined || !cursor.leave()) return undefined;
  return { oid, value, isEnd: tag >= 128 };
}

function readValue(cursor: BerCursor, tag: number): SnmpValue | undefined {
  if (tag === snmpTags.oid) return textValue(cursor.oid());
  if (tag === snmpTags.integer) return numberValue(cursor.integer(tag, 8));
  const bytesMax = numberBytesMax[tag];
  // what agents send as negative is unsigned
  if (bytesMax) return numberValue(cursor.integer(tag, bytesMax), 32);
  const content = cursor.content(tag);
  if (content === undefined) return undefined;
  if (tag === snmpTags.octets) return octetsValue(content);
  if (tag === snmpTags.counter64 && content.length > 0 && content.length <= 9) return counter64Value(content);
  if (absentTags.has(tag) && content.length === 0) return { type: "absent" };
  if (tag === ipAddressTag && content.length === 4) return { type: "text", text: content.join(".") };
  if (tag === snmpTags.opaque) return opaqueValue(content);
  const isKnown = absentTags.has(tag) || tag === ipAddressTag || tag === snmpTags.counter64;
  const what = isKnown ? `a value of ${content.length} bytes` : `a value of type 0x${tag.toString(16)}`;
  cursor.refuse(what);
  return undefined;
}

function textValue(text: string | undefined): SnmpValue | undefined {
  return text === undefined ? undefined : { type: "text", text };
}

function numberValue(number: number | undefined, unsignedBits?: 32): SnmpValue | undefined {
  if (number === undefined) return undefined;
  return { type: "number", number: unsignedBits ? number >>> 0 : number };
}
