// A BER writer of its own for the tests, so that what the code under test reads does not come from its own library.

/** One element: tag, length, content. */
export function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

/** The shortest definite form of a length. */
function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

/** A signed integer in as few bytes as it takes; with a tag of 65, 66, 67 or 70 an unsigned one. */
export function integer(value: number | bigint, tag = 0x02): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    bytes.unshift(Number(rest & 0xffn));
    rest >>= 8n;
  } while (!((rest === 0n && (bytes[0] as number) < 0x80) || (rest === -1n && (bytes[0] as number) >= 0x80)));
  return element(tag, Buffer.from(bytes));
}

export function octets(value: string | Uint8Array, tag = 0x04): Buffer {
  return element(tag, typeof value === "string" ? Buffer.from(value) : value);
}

export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const bytes: number[] = [];
  for (const part of [first * 40 + second, ...rest]) {
    const groups = [part % 128];
    for (let high = Math.floor(part / 128); high > 0; high = Math.floor(high / 128))
      groups.unshift((high % 128) | 0x80);
    bytes.push(...groups);
  }
  return element(0x06, Buffer.from(bytes));
}

export function sequence(...contents: readonly Uint8Array[]): Buffer {
  return element(0x30, ...contents);
}

/** An object with its value, both encoded. */
export interface EncodedVarbind {
  readonly oid: string;
  readonly value: Uint8Array;
  /** Both together, where that is at hand. */
  readonly encoded?: Uint8Array;
}

/** A GetResponse of SNMP v2c. */
export function response(
  community: string,
  requestId: number,
  varbinds: readonly EncodedVarbind[],
  { errorStatus = 0, errorIndex = 0, version = 1, pdu = 0xa2 } = {},
): Buffer {
  const list = sequence(...varbinds.map(({ encoded, oid: name, value }) => encoded ?? sequence(oid(name), value)));
  const body = element(pdu, integer(requestId), integer(errorStatus), integer(errorIndex), list);
  return sequence(integer(version), octets(community), body);
}

/** A request as a responder has to understand it. */
export interface ParsedRequest {
  readonly community: string;
  /** 0xa0 GET, 0xa1 GETNEXT, 0xa5 GETBULK. */
  readonly pdu: number;
  readonly requestId: number;
  readonly nonRepeaters: number;
  readonly repetitions: number;
  readonly oids: readonly string[];
}

/** Reads a request of v2c. It comes from the code under test and is taken as well-formed. */
export function parseRequest(bytes: Uint8Array): ParsedRequest {
  let at = 0;
  const open = (): { tag: number; end: number } => {
    const tag = bytes[at++] as number;
    let length = bytes[at++] as number;
    if (length & 0x80) {
      let count = length & 0x7f;
      for (length = 0; count > 0; count -= 1) length = length * 256 + (bytes[at++] as number);
    }
    return { tag, end: at + length };
  };
  const take = (): Uint8Array => {
    const { end } = open();
    const content = bytes.subarray(at, end);
    at = end;
    return content;
  };
  const number = (): number => take().reduce((value, byte) => value * 256 + byte, 0);
  open();
  number();
  const community = Buffer.from(take()).toString();
  const { tag: pdu } = open();
  const [requestId, nonRepeaters, repetitions] = [number(), number(), number()];
  const oids: string[] = [];
  for (const { end } = open(); at < end; ) {
    open();
    oids.push(oidText(take()));
    take();
  }
  return { community, pdu, requestId, nonRepeaters, repetitions, oids };
}

function oidText(bytes: Uint8Array): string {
  const parts: number[] = [];
  let part = 0;
  for (const byte of bytes) {
    part = part * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    parts.push(part);
    part = 0;
  }
  const first = Math.min(2, Math.floor((parts[0] as number) / 40));
  return [first, (parts[0] as number) - first * 40, ...parts.slice(1)].join(".");
}
