import { describe, expect, test } from "bun:test";
import { create, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { FlowEventWriter } from "../../../src/collectors/flow/flow-event-writer.ts";
import { flowEndReasons } from "../../../src/collectors/flow/flow-figures.ts";
import { FlowJsonWriter } from "../../../src/collectors/flow/flow-json.ts";
import {
  FlowRecords,
  recordWords,
  setTotal,
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
} from "../../../src/collectors/flow/flow-records.ts";
import { ipProtocolNames } from "../../../src/data/ip-protocols.ts";
import { type FlowEvent, FlowEventSchema } from "../../../src/gen/messaging_schema_pb.ts";

const word = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const count = fc.oneof(fc.nat(3), fc.nat(), fc.integer({ min: 0, max: 2 ** 53 - 1 }));
const second = fc.oneof(fc.constantFrom(0, 1, 65_535, 65_536, 0xffffffff), fc.integer({ min: 0, max: 0xffffffff }));
const nanosecond = fc.oneof(fc.constantFrom(0, 999_999_999), fc.integer({ min: 0, max: 999_999_999 }));

/** One flow as a record holds it: words from A's side. */
const arbitraryFlow = fc.record({
  addresses: fc.array(word, { minLength: 8, maxLength: 8 }),
  ports: word,
  protocol: fc.nat(255),
  family: fc.constantFrom<4 | 6>(4, 6),
  hasPorts: fc.boolean(),
  vlanId: fc.nat(4095),
  flagsA: fc.nat(255),
  flagsB: fc.nat(255),
  initiator: fc.nat(1),
  startSec: second,
  startNsec: nanosecond,
  gapSec: fc.nat(100_000),
  lastNsec: nanosecond,
  totals: fc.array(count, { minLength: 6, maxLength: 6 }),
  reason: fc.constantFrom(...flowEndReasons),
  name: fc.constantFrom(undefined, "", "eth0", "ünï", `q"\\\n\u0001`),
});
type ArbitraryFlow = Parameters<Parameters<typeof arbitraryFlow.map>[0]>[0];

function recordOf(f: ArbitraryFlow): FlowRecords {
  const records = new FlowRecords(16);
  records.take();
  const slot = records.take();
  const at = slot * recordWords;
  const words = records.words;
  words[at + wordPorts] = f.ports;
  words[at + wordMeta] = f.protocol | (f.family === 6 ? 1 << 8 : 0) | (f.hasPorts ? 1 << 9 : 0) | (f.vlanId << 10);
  words.set(f.addresses.slice(0, 2), at + wordAddresses);
  words.set(f.addresses.slice(2, 5), at + wordPrefixA);
  words.set(f.addresses.slice(5, 8), at + wordPrefixB);
  words[at + wordStartSec] = f.startSec;
  words[at + wordStartNsec] = f.startNsec;
  words[at + wordLastSec] = lastSecOf(f);
  words[at + wordLastNsec] = Math.max(f.lastNsec, lastSecOf(f) === f.startSec ? f.startNsec : 0);
  words[at + wordState] = f.flagsA | (f.flagsB << 8) | (f.initiator << 16);
  [wordPackets, wordPackets + 1, wordBytes, wordBytes + 1, wordIpBytes, wordIpBytes + 1].forEach((word, i) => {
    setTotal(words, at + word, f.totals[i] as number);
  });
  return records;
}

function lastSecOf(f: ArbitraryFlow): number {
  return Math.min(f.startSec + f.gapSec, 0xffffffff);
}

/** The same flow by plain arithmetic on big integers and strings. */
function expectedOf(f: ArbitraryFlow): FlowEvent {
  const records = recordOf(f);
  const lastNsec = records.words[recordWords + wordLastNsec] as number;
  const [tx, rx] = [f.initiator, 1 - f.initiator];
  const ports = [f.ports >>> 16, f.ports & 0xffff];
  const flags = [f.flagsA, f.flagsB];
  const startTime = BigInt(f.startSec) * 1_000_000_000n + BigInt(f.startNsec);
  const endTime = BigInt(lastSecOf(f)) * 1_000_000_000n + BigInt(lastNsec);
  const total = (from: number, side: number): bigint => BigInt(f.totals[from + side] as number);
  const durationMs = (endTime - startTime) / 1_000_000n;
  return create(FlowEventSchema, {
    srcIp: addressOf(f, tx),
    dstIp: addressOf(f, rx),
    srcPort: ports[tx] as number,
    dstPort: ports[rx] as number,
    protocol: ipProtocolNames[f.protocol] as string,
    proto: ipProtocolNames[f.protocol] as string,
    bytesSent: total(2, tx),
    bytesTx: total(2, tx),
    bytesRecv: total(2, rx),
    bytesRx: total(2, rx),
    flags: f.flagsA | f.flagsB,
    tcpFlagsTx: flags[tx] as number,
    tcpFlagsRx: flags[rx] as number,
    startTime,
    endTime,
    durationMs: Number(durationMs > 0xffffffffn ? 0xffffffffn : durationMs),
    packetsTx: total(0, tx),
    packetsRx: total(0, rx),
    ipBytesTx: total(4, tx),
    ipBytesRx: total(4, rx),
    endReason: f.reason,
    interface: f.name ?? "",
    vlanId: f.vlanId,
  });
}

function addressOf(f: ArbitraryFlow, side: number): string {
  const last = f.addresses[side] as number;
  if (f.family === 4) return [24, 16, 8, 0].map((shift) => (last >>> shift) & 0xff).join(".");
  const prefix = f.addresses.slice(side === 0 ? 2 : 5, side === 0 ? 5 : 8);
  const groups = [...prefix, last].flatMap((w) => [w >>> 16, w & 0xffff]);
  if (groups.slice(0, 5).every((g) => g === 0) && groups[5] === 0xffff) {
    return `::ffff:${[24, 16, 8, 0].map((shift) => (last >>> shift) & 0xff).join(".")}`;
  }
  return new URL(`http://[${groups.map((g) => g.toString(16)).join(":")}]/`).hostname.slice(1, -1);
}

const encoder = new TextEncoder();

function written(f: ArbitraryFlow): { bytes: Uint8Array; tsNs: bigint } {
  const writer = new FlowEventWriter();
  writer.write(recordOf(f), 1, f.reason, f.name === undefined ? undefined : encoder.encode(f.name));
  const { bytes, tsNs } = writer.take();
  return { bytes, tsNs: tsNs[0] as bigint };
}

describe("FlowEventWriter", () => {
  test("writes what the generated code reads, and the same bytes that it would write", () => {
    const property = fc.property(arbitraryFlow, (f) => {
      const { bytes, tsNs } = written(f);
      const event = fromBinary(FlowEventSchema, bytes);
      expect(event.communityId).toMatch(/^1:[A-Za-z0-9+/]{27}=$/);
      const expected = { ...expectedOf(f), communityId: event.communityId };
      expect(event).toEqual(expected);
      expect(Buffer.from(toBinary(FlowEventSchema, event)).equals(bytes)).toBe(true);
      expect(tsNs).toBe(event.endTime);
    });
    fc.assert(property, { numRuns: 500 });
  });

  test("writes zero runs of addresses as RFC 5952 wants them", () => {
    const groups = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let mask = 0; mask < 256; mask += 1) {
      const g = groups.map((_, i) => ((mask >>> i) & 1 ? 0xabc : 0));
      const w = [0, 2, 4, 6].map((i) => ((g[i] as number) << 16) | (g[i + 1] as number));
      const addresses = [w[3], 0, w[0], w[1], w[2], 0, 0, 0] as number[];
      const f = {
        ...(fc.sample(arbitraryFlow, { numRuns: 1, seed: mask })[0] as ArbitraryFlow),
        addresses,
        family: 6 as const,
      };
      const event = fromBinary(FlowEventSchema, written(f).bytes);
      expect(f.initiator === 0 ? event.srcIp : event.dstIp).toBe(addressOf(f, 0));
    }
  });

  test("hands over many flows and starts again", () => {
    const flows = fc.sample(arbitraryFlow, { numRuns: 700, seed: 3 });
    const writer = new FlowEventWriter();
    for (const part of [flows, flows.slice(0, 3)]) {
      for (const f of part) writer.write(recordOf(f), 1, f.reason, undefined);
      const { bytes, ends, tsNs, count } = writer.take();
      expect([count, ends.length, tsNs.length, ends[count - 1]]).toEqual([
        part.length,
        part.length,
        part.length,
        bytes.length,
      ]);
      part.forEach((f, i) => {
        const event = fromBinary(FlowEventSchema, bytes.subarray(i === 0 ? 0 : ends[i - 1], ends[i]));
        expect(event.srcIp).toBe(addressOf(f, f.initiator));
      });
    }
    expect(writer.take().count).toBe(0);
  });
});

describe("FlowJsonWriter", () => {
  test("writes the protobuf JSON mapping", () => {
    const writer = new FlowJsonWriter();
    const property = fc.property(arbitraryFlow, (f) => {
      const { bytes } = written(f);
      writer.write(bytes, 0, bytes.length);
      const line = new TextDecoder().decode(writer.take());
      expect(line.endsWith("}\n")).toBe(true);
      const event = toJson(FlowEventSchema, fromBinary(FlowEventSchema, bytes));
      expect(JSON.parse(line)).toEqual({ kind: "flow", event });
    });
    fc.assert(property, { numRuns: 500 });
  });

  test("writes any 64-bit number in full", () => {
    const writer = new FlowJsonWriter();
    const numbers = fc.bigInt(0n, 0xffff_ffff_ffff_ffffn);
    const property = fc.property(fc.oneof(numbers, fc.constantFrom(10n ** 9n, 10n ** 18n, 1n << 63n)), (startTime) => {
      const bytes = toBinary(FlowEventSchema, create(FlowEventSchema, { startTime }));
      writer.write(bytes, 0, bytes.length);
      const expected = startTime === 0n ? "{}" : `{"startTime":"${startTime}"}`;
      expect(new TextDecoder().decode(writer.take())).toBe(`{"kind":"flow","event":${expected}}\n`);
    });
    fc.assert(property, { numRuns: 1000 });
  });

  test("gathers lines until they are taken", () => {
    const writer = new FlowJsonWriter();
    const bytes = toBinary(FlowEventSchema, create(FlowEventSchema, { interface: "x".repeat(60) }));
    for (let i = 0; i < 5000; i += 1) writer.write(bytes, 0, bytes.length);
    const text = new TextDecoder().decode(writer.take());
    expect(text).toBe(`{"kind":"flow","event":{"interface":"${"x".repeat(60)}"}}\n`.repeat(5000));
    expect(writer.length).toBe(0);
  });
});
