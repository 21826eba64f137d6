import { snmpTags } from "./snmp-message.ts";

/** A question of v1 or v2c. */
export interface SnmpRequest {
  /** 0 for v1, 1 for v2c. */
  readonly version: 0 | 1;
  readonly community: Uint8Array;
  readonly pdu: "get" | "getNext" | "getBulk";
  /** From 0 to 2^31 - 1. */
  readonly id: number;
  readonly oids: readonly string[];
  /** Successors of each OID, of getBulk. */
  readonly repetitions?: number;
}

/** Encodes a request (RFC 1157, RFC 3416). */
export function encodeRequest({ version, community, pdu, id, oids, repetitions = 0 }: SnmpRequest): Uint8Array {
  const writer = new BackwardWriter(community.length + oids.reduce((sum, { length }) => sum + length + 16, 64));
  for (const oid of oids.toReversed()) {
    const end = writer.at;
    writer.element(snmpTags.none, writer.at);
    writer.oid(oid);
    writer.element(snmpTags.sequence, end);
  }
  writer.element(snmpTags.sequence, writer.capacity);
  // of getBulk, these are max-repetitions and non-repeaters; of the others, error-index and error-status
  writer.integer(repetitions);
  writer.integer(0);
  writer.integer(id);
  writer.element(snmpTags[pdu], writer.capacity);
  writer.octets(community);
  writer.integer(version);
  writer.element(snmpTags.sequence, writer.capacity);
  return writer.written();
}

/** Writes BER from its end, so that each length is known when it is written. */
class BackwardWriter {
  readonly capacity: number;
  /** Where what was written begins. */
  at: number;
  readonly #bytes: Uint8Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.at = capacity;
    this.#bytes = new Uint8Array(capacity);
  }

  written(): Uint8Array {
    return this.#bytes.subarray(this.at);
  }

  /** Makes what lies before `end` an element. */
  element(tag: number, end: number): void {
    let length = end - this.at;
    const isShort = length < 0x80;
    const before = this.at;
    if (isShort) this.#byte(length);
    for (; !isShort && length > 0; length >>= 8) this.#byte(length & 0xff);
    if (!isShort) this.#byte(0x80 | (before - this.at));
    this.#byte(tag);
  }

  /** A number from 0 to 2^31 - 1, in as few bytes as its sign allows. */
  integer(value: number): void {
    const end = this.at;
    let rest = value;
    do {
      this.#byte(rest & 0xff);
      rest >>= 8;
    } while (rest > 0 || (this.#bytes[this.at] as number) >= 0x80);
    this.element(snmpTags.integer, end);
  }

  octets(content: Uint8Array): void {
    const end = this.at;
    this.at -= content.length;
    this.#bytes.set(content, this.at);
    this.element(snmpTags.octets, end);
  }

  /** From its dotted form. */
  oid(text: string): void {
    const end = this.at;
    const parts = text.split(".");
    for (let i = parts.length - 1; i > 1; i -= 1) this.#subIdentifier(Number(parts[i]));
    this.#subIdentifier(Number(parts[0]) * 40 + Number(parts[1]));
    this.element(snmpTags.oid, end);
  }

  #subIdentifier(value: number): void {
    this.#byte(value & 0x7f);
    for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) this.#byte((rest & 0x7f) | 0x80);
  }

  #byte(value: number): void {
    this.at -= 1;
    this.#bytes[this.at] = value;
  }
}
