import { ipProtocolNames } from "../../data/ip-protocols.ts";
import { addressTextBytesMax, writeIpv4, writeIpv6 } from "./address-text.ts";
import { communityIdBytes, writeCommunityId } from "./community-id.ts";
import type { FlowEndReason } from "./flow-figures.ts";
import { metaOf } from "./flow-meta.ts";
import {
  type FlowRecords,
  recordWords,
  totalAt,
  wordAddresses,
  wordBytes,
  wordIpBytes,
  wordLastNsec,
  wordLastSec,
  wordMeta,
  wordPackets,
  wordPorts,
  wordPrefixA,
  wordPrefixB,
  wordStartNsec,
  wordStartSec,
  wordState,
} from "./flow-records.ts";
import type { FlowBatch } from "./flow-source.ts";
import { flagsOf, initiatorOf } from "./tcp-state.ts";
import { writeVarint, writeVarint64 } from "./varint.ts";

/** Interface names are cut to this many bytes of UTF-8. */
export const interfaceNameBytesMax = 64;

/** Enough for all fields of one event at their longest. */
const eventBytesMax = 3 * addressTextBytesMax + communityIdBytes + interfaceNameBytesMax + 300;

const encoder = new TextEncoder();
const protocolNames = ipProtocolNames.map((name) => encoder.encode(name));
const reasonNames: Readonly<Record<FlowEndReason, Uint8Array>> = {
  idle: encoder.encode("idle"),
  active: encoder.encode("active"),
  fin: encoder.encode("fin"),
  rst: encoder.encode("rst"),
  eof: encoder.encode("eof"),
  shutdown: encoder.encode("shutdown"),
  evicted: encoder.encode("evicted"),
};

/**
 * Tags of the fields that hold numbers, as they are written, first byte lowest: 3 and 4, 6 to 8, 11 and 12, 14, 100 to
 * 105, 108.
 */
const numberTags = Uint16Array.of(
  ...[0x18, 0x20, 0x30, 0x38, 0x40, 0x58, 0x60, 0x70],
  ...[0x06a0, 0x06a8, 0x06b0, 0x06b8, 0x06c0, 0x06c8, 0x06e0],
);

/**
 * Writes flows as serialized messaging.FlowEvent, back to back: fields in ascending order, default values left out, so
 * the bytes are what the generated code would write.
 */
export class FlowEventWriter {
  count = 0;
  #bytes = new Uint8Array(1 << 16);
  #at = 0;
  #ends = new Uint32Array(256);
  /** Two words for each event: low and high half of its end time. */
  #endTimes = new Uint32Array(512);
  /** What goes into the fields of numberTags. */
  readonly #values = new Float64Array(numberTags.length);
  #low = 0;
  #high = 0;

  /** Writes the flow in a slot. */
  write(records: FlowRecords, slot: number, reason: FlowEndReason, interfaceName: Uint8Array | undefined): void {
    this.#reserve();
    const words = records.words;
    const record = slot * recordWords;
    const initiator = initiatorOf(words[record + wordState] as number);
    const protocol = protocolNames[metaOf.protocol(words[record + wordMeta] as number)] as Uint8Array;
    this.#takeNumbers(words, record, initiator);
    this.#addresses(words, record, initiator);
    this.#numbers(0, 2);
    this.#string(0x2a, protocol);
    this.#numbers(2, 5);
    this.#times(words, record);
    this.#numbers(5, 7);
    this.#string(0x6a, protocol);
    this.#numbers(7, 14);
    this.#string(0x06d2, reasonNames[reason]);
    if (interfaceName !== undefined && interfaceName.length > 0) this.#string(0x06da, interfaceName);
    this.#numbers(14, 15);
    this.#bytes[this.#at] = 0xea;
    this.#bytes[this.#at + 1] = 0x06;
    this.#bytes[this.#at + 2] = communityIdBytes;
    this.#at = writeCommunityId(this.#bytes, this.#at + 3, words, record, initiator);
    this.#ends[this.count] = this.#at;
    this.#endTimes[this.count * 2] = this.#low;
    this.#endTimes[this.count * 2 + 1] = this.#high;
    this.count += 1;
  }

  /** Hands over what was written. */
  take(): FlowBatch {
    const batch = {
      bytes: this.#bytes.slice(0, this.#at),
      ends: this.#ends.slice(0, this.count),
      tsNs: new BigUint64Array(this.#endTimes.slice(0, this.count * 2).buffer),
      count: this.count,
    };
    this.#at = 0;
    this.count = 0;
    return batch;
  }

  #reserve(): void {
    if (this.#at + eventBytesMax > this.#bytes.length) {
      const longer = new Uint8Array(this.#bytes.length * 2);
      longer.set(this.#bytes);
      this.#bytes = longer;
    }
    if (this.count === this.#ends.length) {
      const ends = new Uint32Array(this.#ends.length * 2);
      ends.set(this.#ends);
      this.#ends = ends;
      const times = new Uint32Array(this.#endTimes.length * 2);
      times.set(this.#endTimes);
      this.#endTimes = times;
    }
  }

  #takeNumbers(words: Int32Array, record: number, initiator: number): void {
    const values = this.#values;
    const tx = record + initiator;
    const rx = record + 1 - initiator;
    const ports = words[record + wordPorts] as number;
    const state = words[record + wordState] as number;
    values[0] = initiator === 0 ? ports >>> 16 : ports & 0xffff;
    values[1] = initiator === 0 ? ports & 0xffff : ports >>> 16;
    values[2] = totalAt(words, tx + wordBytes);
    values[3] = totalAt(words, rx + wordBytes);
    values[10] = flagsOf(state, initiator);
    values[11] = flagsOf(state, 1 - initiator);
    values[4] = (values[10] as number) | (values[11] as number);
    values[5] = values[2] as number;
    values[6] = values[3] as number;
    values[7] = durationMsOf(words, record);
    values[8] = totalAt(words, tx + wordPackets);
    values[9] = totalAt(words, rx + wordPackets);
    values[12] = totalAt(words, tx + wordIpBytes);
    values[13] = totalAt(words, rx + wordIpBytes);
    values[14] = metaOf.vlanId(words[record + wordMeta] as number);
  }

  /** Fields 1 and 2. */
  #addresses(words: Int32Array, record: number, initiator: number): void {
    const is4 = metaOf.family(words[record + wordMeta] as number) === 4;
    for (let i = 0; i < 2; i += 1) {
      const side = i === 0 ? initiator : 1 - initiator;
      const last = words[record + wordAddresses + side] as number;
      const text = this.#at + 2;
      this.#bytes[this.#at] = i === 0 ? 0x0a : 0x12;
      if (is4) {
        this.#at = writeIpv4(this.#bytes, text, last);
      } else {
        const prefix = record + (side === 0 ? wordPrefixA : wordPrefixB);
        const [w0, w1, w2] = [words[prefix], words[prefix + 1], words[prefix + 2]] as [number, number, number];
        this.#at = writeIpv6(this.#bytes, text, w0, w1, w2, last);
      }
      this.#bytes[text - 1] = this.#at - text;
    }
  }

  /** The fields of numberTags from `first` to before `end`; what is 0 is left out. */
  #numbers(first: number, end: number): void {
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = first; i < end; i += 1) {
      const value = this.#values[i] as number;
      if (value === 0) continue;
      const tag = numberTags[i] as number;
      bytes[at++] = tag;
      if (tag > 0xff) bytes[at++] = tag >>> 8;
      at = writeVarint(bytes, at, value);
    }
    this.#at = at;
  }

  #string(tag: number, text: Uint8Array): void {
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = tag;
    if (tag > 0xff) bytes[at++] = tag >>> 8;
    bytes[at++] = text.length;
    for (let i = 0; i < text.length; i += 1) bytes[at++] = text[i] as number;
    this.#at = at;
  }

  /** Fields 9 and 10; the end time stays in `#low` and `#high`. */
  #times(words: Int32Array, record: number): void {
    for (let i = 0; i < 2; i += 1) {
      const sec = (words[record + (i === 0 ? wordStartSec : wordLastSec)] as number) >>> 0;
      this.#takeTime(sec, words[record + (i === 0 ? wordStartNsec : wordLastNsec)] as number);
      if (this.#low === 0 && this.#high === 0) continue;
      this.#bytes[this.#at] = i === 0 ? 0x48 : 0x50;
      this.#at = writeVarint64(this.#bytes, this.#at + 1, this.#low, this.#high);
    }
  }

  /** Nanoseconds since the Unix epoch, made of parts that doubles hold exactly, as two unsigned halves. */
  #takeTime(sec: number, nsec: number): void {
    const upper = (sec >>> 16) * 1e9;
    const lower = (sec & 0xffff) * 1e9 + nsec;
    const upperHigh = Math.floor(upper / 65536);
    const lowerHigh = Math.floor(lower / 4294967296);
    const low = (upper - upperHigh * 65536) * 65536 + (lower - lowerHigh * 4294967296);
    const carry = low >= 4294967296 ? 1 : 0;
    this.#low = low - carry * 4294967296;
    this.#high = upperHigh + lowerHigh + carry;
  }
}

function durationMsOf(words: Int32Array, record: number): number {
  const sec = ((words[record + wordLastSec] as number) >>> 0) - ((words[record + wordStartSec] as number) >>> 0);
  const nsec = (words[record + wordLastNsec] as number) - (words[record + wordStartNsec] as number);
  return Math.min(Math.floor((sec * 1e9 + nsec) / 1e6), 0xffffffff);
}
