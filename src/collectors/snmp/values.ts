/** A value as an agent gave it; `counter64` is only what a number cannot hold exactly. */
export type SnmpValue =
  | { readonly type: "number"; readonly number: number }
  | { readonly type: "counter64"; readonly count: bigint }
  | { readonly type: "octets"; readonly octets: Uint8Array }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "absent" };

/** One object with its value. */
export interface Varbind {
  readonly oid: string;
  readonly value: SnmpValue;
  /** The agent has nothing behind this object. */
  readonly isEnd: boolean;
}

/** What is kept of a string, in bytes: all that a DisplayString (RFC 2579) or SnmpAdminString (RFC 3411) may have. */
export const octetsMax = 255;

/** A string: a copy, of bounded length; one of UTF-8 is cut before a character. */
export function octetsValue(content: Uint8Array): SnmpValue {
  let end = octetsMax;
  // a byte of UTF-8 that goes on with a character begins with the bits 10, and there are three of them at most
  while (end > octetsMax - 3 && ((content[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return { type: "octets", octets: new Uint8Array(content.subarray(0, end)) };
}

/** A Counter64: unsigned, of at most eight bytes behind an optional zero; what agents send as negative is unsigned. */
export function counter64Value(content: Uint8Array): SnmpValue {
  let number = 0;
  for (const byte of content) number = number * 256 + byte;
  if (number <= Number.MAX_SAFE_INTEGER) return { type: "number", number };
  let count = 0n;
  for (const byte of content) count = (count << 8n) | BigInt(byte);
  return { type: "counter64", count: BigInt.asUintN(64, count) };
}

/** An Opaque: a float where it holds one, as net-snmp's agents have them (tag 0x9f78); anything else is octets. */
export function opaqueValue(content: Uint8Array): SnmpValue {
  if (content.length === 7 && content[0] === 0x9f && content[1] === 0x78 && content[2] === 4) {
    return { type: "number", number: new DataView(content.buffer, content.byteOffset + 3, 4).getFloat32(0) };
  }
  return octetsValue(content);
}

/** Characters of a text in an event. */
const textCharsMax = 256;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true });
const latin1 = new TextDecoder("latin1");

/** What a value takes of memory, about, in bytes. */
export function bytesOf(value: SnmpValue): number {
  if (value.type === "octets") return value.octets.length;
  return value.type === "text" ? value.text.length : 8;
}

/** A counter, gauge, integer or time as a number; also text that is one, as UCD's load averages are. */
export function numberOf(value: SnmpValue | undefined): number | undefined {
  if (value?.type === "number") return value.number;
  if (value?.type === "counter64") return Number(value.count);
  if (value?.type !== "octets") return undefined;
  const text = textOf(value) ?? "";
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}

/** A number, or all digits of a counter that no number holds exactly. */
export function countOf(value: SnmpValue | undefined): number | bigint | undefined {
  return value?.type === "counter64" ? value.count : numberOf(value);
}

/** A string as text: UTF-8 where it is that, else Latin-1; without what pads it, cut to a bounded length. */
export function textOf(value: SnmpValue | undefined): string | undefined {
  if (value?.type === "text") return value.text.slice(0, textCharsMax);
  if (value?.type !== "octets") return undefined;
  return decodeText(value.octets)
    .replace(/[\0\s]+$/, "")
    .slice(0, textCharsMax)
    .toWellFormed();
}

function decodeText(octets: Uint8Array): string {
  try {
    return strictUtf8.decode(octets);
  } catch {
    return latin1.decode(octets);
  }
}

/** Six octets as `00:11:22:33:44:55`; undefined for anything else. */
export function hardwareAddressOf(value: SnmpValue | undefined): string | undefined {
  if (value?.type !== "octets" || value.octets.length !== 6) return undefined;
  return [...value.octets].map((octet) => octet.toString(16).padStart(2, "0")).join(":");
}

const dot = 46;

/**
 * Which of two object identifiers comes first: below 0, 0 or above 0. They are known to be the same before `from`,
 * where a part begins. Walks ask this of every value: no allocation.
 */
export function compareOids(a: string, b: string, from = 0): number {
  let i = from;
  while (i < a.length && a.charCodeAt(i) === b.charCodeAt(i)) i += 1;
  // back to where the part that differs begins
  while (i > from && a.charCodeAt(i - 1) !== dot) i -= 1;
  const left = partAt(a, i);
  const right = partAt(b, i);
  if (left !== right) return left - right;
  return a.length - b.length;
}

/** The number that begins there, up to the next dot. */
function partAt(oid: string, start: number): number {
  let value = 0;
  for (let i = start; i < oid.length && oid.charCodeAt(i) !== dot; i += 1) value = value * 10 + oid.charCodeAt(i) - 48;
  return value;
}
