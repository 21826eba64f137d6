import { ipProtocolNames } from "../../data/ip-protocols.ts";
import { addressTextBytesMax, writeIpv4, writeIpv6 } from "./address-text.ts";
import { communityIdBytes, writeCommunityId } from "./community-id.ts";
import type { FlowEndReason } from "./flow-figures.ts";
import { metaOf } from "./flow-key.ts";
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
 * Writes flows as serialized messaging.FlowEvent, back to back: fields in ascending order, default values left out, so
 * the bytes are what the generated code would write.
 */
export class FlowEventWriter {
  count = 0;
  #bytes = new Uint8Array(1 << 16);
  #at = 0;
  #ends = new Uint32Array(256);
  /** Two words for each event: low and high half of its end time. */
  #times = new Uint32Array(512);
  #low = 0;
  #high = 0;

  /** Writes the flow in a slot. */
  write(records: FlowRecords, slot: number, reason: FlowEndReason, interfaceName: Uint8Array | undefined): void {
    this.#reserve();
    const words = records.words;
    const record = slot * recordWords;
    const initiator = initiatorOf(words[record + wordState] as number);
    this.#endpoints(words, record, initiator);
    this.#totals(words, record, initiator);
    this.#string2(0xd2, reasonNames[reason]);
    if (interfaceName !== undefined && interfaceName.length > 0) this.#string2(0xda, interfaceName);
    this.#number2(0xe0, metaOf.vlanId(words[record + wordMeta] as number));
    this.#bytes[this.#at] = 0xea;
    this.#bytes[this.#at + 1] = 0x06;
    this.#bytes[this.#at + 2] = communityIdBytes;
    this.#at = writeCommunityId(this.#bytes, this.#at + 3, words, record, initiator);
    this.#ends[this.count] = this.#at;
    this.#times[this.count * 2] = this.#low;
    this.#times[this.count * 2 + 1] = this.#high;
    this.count += 1;
  }

  /** Hands over what was written. */
  take(): FlowBatch {
    const batch = {
      bytes: this.#bytes.slice(0, this.#at),
      ends: this.#ends.slice(0, this.count),
      tsNs: new BigUint64Array(this.#times.slice(0, this.count * 2).buffer),
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
      const times = new Uint32Array(this.#times.length * 2);
      times.set(this.#times);
      this.#times = times;
    }
  }

  /** Fields 1 to 5: who talked to whom. */
  #endpoints(words: Int32Array, record: number, initiator: number): void {
    const meta = words[record + wordMeta] as number;
    const ports = words[record + wordPorts] as number;
    this.#address(0x0a, words, record, initiator);
    this.#address(0x12, words, record, 1 - initiator);
    this.#number(0x18, initiator === 0 ? ports >>> 16 : ports & 0xffff);
    this.#number(0x20, initiator === 0 ? ports & 0xffff : ports >>> 16);
    this.#string(0x2a, protocolNames[metaOf.protocol(meta)] as Uint8Array);
  }

  /** Fields 6 to 14 and 100 to 105: how much, when. */
  #totals(words: Int32Array, record: number, initiator: number): void {
    const tx = record + initiator;
    const rx = record + 1 - initiator;
    const txBytes = totalAt(words, tx + wordBytes);
    const rxBytes = totalAt(words, rx + wordBytes);
    const state = words[record + wordState] as number;
    const txFlags = flagsOf(state, initiator);
    const rxFlags = flagsOf(state, 1 - initiator);
    const startSec = (words[record + wordStartSec] as number) >>> 0;
    const startNsec = words[record + wordStartNsec] as number;
    const lastSec = (words[record + wordLastSec] as number) >>> 0;
    const lastNsec = words[record + wordLastNsec] as number;
    this.#number(0x30, txBytes);
    this.#number(0x38, rxBytes);
    this.#number(0x40, txFlags | rxFlags);
    this.#time(0x48, startSec, startNsec);
    this.#time(0x50, lastSec, lastNsec);
    this.#number(0x58, txBytes);
    this.#number(0x60, rxBytes);
    this.#string(0x6a, protocolNames[metaOf.protocol(words[record + wordMeta] as number)] as Uint8Array);
    const durationMs = Math.floor(((lastSec - startSec) * 1e9 + (lastNsec - startNsec)) / 1e6);
    this.#number(0x70, Math.min(durationMs, 0xffffffff));
    this.#number2(0xa0, totalAt(words, tx + wordPackets));
    this.#number2(0xa8, totalAt(words, rx + wordPackets));
    this.#number2(0xb0, txFlags);
    this.#number2(0xb8, rxFlags);
    this.#number2(0xc0, totalAt(words, tx + wordIpBytes));
    this.#number2(0xc8, totalAt(words, rx + wordIpBytes));
  }

  #address(tag: number, words: Int32Array, record: number, side: number): void {
    const last = words[record + wordAddresses + side] as number;
    this.#bytes[this.#at] = tag;
    const text = this.#at + 2;
    if (metaOf.family(words[record + wordMeta] as number) === 4) {
      this.#at = writeIpv4(this.#bytes, text, last);
    } else {
      const prefix = record + (side === 0 ? wordPrefixA : wordPrefixB);
      const w = words;
      this.#at = writeIpv6(
        this.#bytes,
        text,
        w[prefix] as number,
        w[prefix + 1] as number,
        w[prefix + 2] as number,
        last,
      );
    }
    this.#bytes[text - 1] = this.#at - text;
  }

  /** A field with a tag of one byte; 0 is left out. */
  #number(tag: number, value: number): void {
    if (value === 0) return;
    this.#bytes[this.#at] = tag;
    this.#at = writeVarint(this.#bytes, this.#at + 1, value);
  }

  /** A field from 100 to 109, whose tag has a second byte of 6. */
  #number2(tag: number, value: number): void {
    if (value === 0) return;
    this.#bytes[this.#at] = tag;
    this.#bytes[this.#at + 1] = 0x06;
    this.#at = writeVarint(this.#bytes, this.#at + 2, value);
  }

  #string(tag: number, text: Uint8Array): void {
    this.#bytes[this.#at] = tag;
    this.#bytes[this.#at + 1] = text.length;
    this.#copy(this.#at + 2, text);
  }

  #string2(tag: number, text: Uint8Array): void {
    this.#bytes[this.#at] = tag;
    this.#bytes[this.#at + 1] = 0x06;
    this.#bytes[this.#at + 2] = text.length;
    this.#copy(this.#at + 3, text);
  }

  #copy(start: number, text: Uint8Array): void {
    for (let i = 0; i < text.length; i += 1) this.#bytes[start + i] = text[i] as number;
    this.#at = start + text.length;
  }

  /** Nanoseconds since the Unix epoch: a 64-bit product made of parts that doubles hold exactly. */
  #time(tag: number, sec: number, nsec: number): void {
    const upper = Math.floor(sec / 65536) * 1e9;
    const lower = (sec % 65536) * 1e9 + nsec;
    const lowSum = (upper % 65536) * 65536 + (lower % 4294967296);
    this.#low = lowSum % 4294967296;
    this.#high = Math.floor(upper / 65536) + Math.floor(lower / 4294967296) + Math.floor(lowSum / 4294967296);
    if (this.#low === 0 && this.#high === 0) return;
    this.#bytes[this.#at] = tag;
    this.#at = writeVarint64(this.#bytes, this.#at + 1, this.#low, this.#high);
  }
}
