import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { FlowFigures } from "../../../src/collectors/flow/flow-figures.ts";
import type { FlowEvent } from "../../../src/gen/messaging_schema_pb.ts";
import { ethernet, extension, icmp, ipv4, ipv6, tcp, udp, vlanTag } from "../../packet/build-frame.ts";
import { TestEngine, totalsOf } from "./run-engine.ts";

const a = "10.0.0.9";
const b = "10.0.0.1";
const [fin, syn, rst, ack] = [1, 2, 4, 16];

function segment(
  from: string,
  to: string,
  flags: number,
  sequence = 1,
  ports: [number, number] = [4000, 80],
): Uint8Array {
  const [src, dst] = from === a ? ports : [ports[1], ports[0]];
  return ethernet(0x0800, ipv4({ protocol: 6, src: from, dst: to }, tcp(src, dst, { flags, sequence })));
}

function datagram(from: string, to: string, src = 4000, dst = 53): Uint8Array {
  return ethernet(0x0800, ipv4({ protocol: 17, src: from, dst: to }, udp(src, dst)));
}

function brief(f: FlowEvent): unknown[] {
  return [`${f.srcIp}:${f.srcPort}`, `${f.dstIp}:${f.dstPort}`, Number(f.packetsTx), Number(f.packetsRx), f.endReason];
}

/** Seen = in flows + other + own, in packets and in bytes. */
function expectBalanced(figures: FlowFigures, flows: readonly FlowEvent[]): void {
  const other = Object.values(figures.otherFrames).reduce((sum, n) => sum + n, 0);
  const { packets, bytes } = totalsOf(flows);
  expect(packets + other + figures.ownPackets).toBe(figures.frames);
  expect(bytes + figures.otherBytes + figures.ownBytes).toBe(figures.bytes);
  expect([figures.flowsActive, figures.activePackets, figures.activeBytes]).toEqual([0, 0, 0]);
  expect([figures.endedPackets, figures.endedBytes, figures.flowsCreated]).toEqual([packets, bytes, flows.length]);
  expect(Object.values(figures.flowsEnded).reduce((sum, n) => sum + n, 0)).toBe(flows.length);
}

describe("FlowEngine directions", () => {
  test("joins both directions; the sender of the first packet is the initiator", () => {
    const t = new TestEngine();
    t.feed(1, datagram(a, b));
    t.feed(2.5, datagram(b, a, 53, 4000), { wire: 400 });
    const [flow, ...rest] = t.all();
    expect(rest).toEqual([]);
    expect(flow).toMatchObject({ srcIp: a, dstIp: b, srcPort: 4000, dstPort: 53, protocol: "UDP", proto: "UDP" });
    expect(flow).toMatchObject({ bytesTx: 42n, bytesSent: 42n, bytesRx: 400n, bytesRecv: 400n, ipBytesTx: 28n });
    expect(flow).toMatchObject({ startTime: 1_000_000_000n, endTime: 2_500_000_000n, durationMs: 1500 });
    expect(flow).toMatchObject({ packetsTx: 1n, packetsRx: 1n, endReason: "eof", flags: 0 });
  });

  test("lets SYN and SYN+ACK decide, whoever comes first", () => {
    const synAckFirst = new TestEngine();
    synAckFirst.feed(1, segment(b, a, syn | ack));
    synAckFirst.feed(2, segment(a, b, ack));
    expect(synAckFirst.all().map(brief)).toEqual([[`${a}:4000`, `${b}:80`, 1, 1, "eof"]]);
    const synLate = new TestEngine();
    synLate.feed(1, segment(b, a, ack));
    synLate.feed(1.001, segment(a, b, syn));
    expect(synLate.all().map(brief)).toEqual([[`${a}:4000`, `${b}:80`, 1, 1, "eof"]]);
    const neither = new TestEngine();
    neither.feed(1, segment(b, a, ack));
    neither.feed(2, segment(a, b, ack));
    expect(neither.all().map(brief)).toEqual([[`${b}:80`, `${a}:4000`, 1, 1, "eof"]]);
  });

  test("keeps to the first SYN where both sides send one", () => {
    const t = new TestEngine();
    t.feed(1, segment(a, b, syn, 5));
    t.feed(1.1, segment(b, a, syn, 9));
    t.feed(1.2, segment(b, a, syn | ack, 9));
    expect(t.all().map(brief)).toEqual([[`${a}:4000`, `${b}:80`, 1, 2, "eof"]]);
  });

  test("joins an address with itself by ports", () => {
    const t = new TestEngine();
    t.feed(1, datagram(a, a, 9, 7));
    t.feed(2, datagram(a, a, 7, 9));
    t.feed(3, datagram(a, a, 7, 7));
    expect(t.all().map(brief)).toEqual([
      [`${a}:9`, `${a}:7`, 1, 1, "eof"],
      [`${a}:7`, `${a}:7`, 1, 0, "eof"],
    ]);
  });

  test("makes one flow of an echo request and its reply, and others of what nothing answers", () => {
    const t = new TestEngine();
    const ping = (from: string, to: string, type: number, code = 0): Uint8Array =>
      ethernet(0x0800, ipv4({ protocol: 1, src: from, dst: to }, icmp(type, code)));
    t.feed(1, ping(a, b, 8));
    t.feed(1.1, ping(b, a, 0));
    t.feed(1.2, ping(a, b, 3, 1));
    t.feed(1.3, ping(b, a, 3, 1));
    expect(t.all().map(brief)).toEqual([
      [`${a}:8`, `${b}:0`, 1, 1, "eof"],
      [`${a}:3`, `${b}:1`, 1, 0, "eof"],
      [`${b}:3`, `${a}:1`, 1, 0, "eof"],
    ]);
  });
});

describe("FlowEngine keys", () => {
  test("tells protocols, families, interfaces, VLANs and portless packets apart", () => {
    const t = new TestEngine();
    t.engine.setInterface(0, "eth0");
    t.engine.setInterface(1, "eth1");
    const inner = ipv4({ protocol: 17, src: a, dst: b }, udp(0, 0));
    const frames: [Uint8Array, object][] = [
      [ethernet(0x0800, inner), {}],
      [ethernet(0x0800, inner), { iface: 1 }],
      // the hash sees no difference between 1 and this one
      [ethernet(0x0800, inner), { iface: 0x100 }],
      [ethernet(0x8100, vlanTag(5, 0x0800, inner)), {}],
      [ethernet(0x0800, inner), { vlan: 6 }],
      [ethernet(0x8100, vlanTag(5, 0x0800, inner)), { vlan: 7 }],
      [ethernet(0x0800, ipv4({ protocol: 17, src: a, dst: b, fragment: 1 }, udp(0, 0))), {}],
      [ethernet(0x0800, ipv4({ protocol: 132, src: a, dst: b }, udp(0, 0))), {}],
      [ethernet(0x0800, ipv4({ protocol: 47, src: a, dst: b }, udp(0, 0))), {}],
      [ethernet(0x86dd, ipv6({ next: 17, src: "::a00:9", dst: "::a00:1" }, udp(0, 0))), {}],
      [ethernet(0x86dd, ipv6({ next: 17, src: "1::a00:9", dst: "::a00:1" }, udp(0, 0))), {}],
      [ethernet(0x86dd, ipv6({ next: 17, src: "0:0:1::a00:9", dst: "::a00:1" }, udp(0, 0))), {}],
    ];
    for (let round = 0; round < 3; round += 1) for (const [frame, o] of frames) t.feed(1 + round, frame, o);
    const flows = t.all();
    expect(flows.map((f) => f.packetsTx)).toEqual(frames.map(() => 3n));
    expect(flows.map((f) => f.vlanId)).toEqual([0, 0, 0, 5, 6, 7, 0, 0, 0, 0, 0, 0]);
    expect(flows.map((f) => f.interface)).toEqual(frames.map((_, i) => ["eth0", "eth1", ""][i] ?? "eth0"));
    expect(flows.map((f) => f.protocol).slice(6, 9)).toEqual(["UDP", "SCTP", "GRE"]);
  });

  test("makes interface names safe to print and short", () => {
    const t = new TestEngine();
    t.engine.setInterface(0, `\u001b[31m${"x".repeat(100)}é`);
    t.feed(1, datagram(a, b));
    expect(t.all()[0]?.interface).toBe(`\\x1b[31m${"x".repeat(56)}`);
  });
});

describe("FlowEngine timeouts", () => {
  test("ends a flow that was idle for longer, to the nanosecond", () => {
    const t = new TestEngine();
    t.feed(100.5, datagram(a, b));
    t.feed(130.5, datagram(b, a, 53, 4000));
    t.feed(160.500001, datagram(a, b));
    expect(t.all().map(brief)).toEqual([
      [`${a}:4000`, `${b}:53`, 1, 1, "idle"],
      [`${a}:4000`, `${b}:53`, 1, 0, "eof"],
    ]);
  });

  test("ends a flow that has lasted longer, and goes on with another", () => {
    const t = new TestEngine();
    for (let s = 0; s <= 620; s += 20) t.feed(1000 + s, datagram(a, b));
    const flows = t.all();
    expect(flows.map(brief)).toEqual([
      [`${a}:4000`, `${b}:53`, 16, 0, "active"],
      [`${a}:4000`, `${b}:53`, 16, 0, "eof"],
    ]);
    expect(flows.map((f) => Number(f.startTime / 1_000_000_000n))).toEqual([1000, 1320]);
  });

  test("lets other flows' packets end what is due, and nothing earlier", () => {
    const t = new TestEngine();
    t.feed(100, datagram(a, b));
    t.feed(129, datagram(a, b, 1, 2));
    t.feed(130, datagram(a, b, 1, 2));
    expect(t.ended()).toEqual([]);
    t.feed(131.2, datagram(a, b, 1, 2));
    expect(t.ended().map(brief)).toEqual([[`${a}:4000`, `${b}:53`, 1, 0, "idle"]]);
    expect(t.engine.figures().flowsActive).toBe(1);
  });

  test("lets frames that are no packets, and own traffic, pass time too", () => {
    const own = { addresses: [b], port: 80 };
    for (const frame of [ethernet(0x0806, new Uint8Array(28)), segment(a, b, ack)]) {
      const t = new TestEngine({ own });
      t.feed(100, datagram(a, b));
      t.feed(200, frame);
      expect(t.ended().map(brief)).toEqual([[`${a}:4000`, `${b}:53`, 1, 0, "idle"]]);
    }
  });

  test("ends what is due when the wall clock goes on without packets", () => {
    const t = new TestEngine();
    t.feed(100, datagram(a, b));
    t.engine.advance(130);
    expect(t.engine.pending).toBe(0);
    t.engine.advance(131);
    expect(t.ended().map(brief)).toEqual([[`${a}:4000`, `${b}:53`, 1, 0, "idle"]]);
  });

  test("names the timeout that passed first", () => {
    const t = new TestEngine({ idleTimeoutS: 30, activeTimeoutS: 60 });
    t.feed(100, datagram(a, b));
    t.feed(125, datagram(a, b));
    t.feed(150, datagram(a, b));
    t.feed(100, datagram(a, b, 7, 7));
    t.engine.advance(500);
    expect(t.ended().map(brief)).toEqual([
      [`${a}:7`, `${b}:7`, 1, 0, "idle"],
      [`${a}:4000`, `${b}:53`, 3, 0, "active"],
    ]);
  });

  test("counts packets that come a little out of order to their flow", () => {
    const t = new TestEngine();
    t.feed(100.5, datagram(a, b));
    t.feed(99.25, datagram(a, b));
    t.feed(100.25, datagram(a, b));
    const [flow] = t.all();
    expect(flow).toMatchObject({ startTime: 99_250_000_000n, endTime: 100_500_000_000n, packetsTx: 3n });
  });

  test("begins anew where the clock was set back", () => {
    const t = new TestEngine();
    t.feed(10_000, datagram(a, b));
    t.feed(500, datagram(a, b));
    t.feed(510, datagram(a, b));
    t.feed(600, datagram(a, b, 1, 1));
    t.feed(0xffff_ffff, datagram(a, b, 2, 2));
    t.feed(601, datagram(a, b, 1, 1));
    expect(t.all().map((f) => [f.startTime, f.endTime, f.packetsTx])).toEqual([
      [10_000_000_000_000n, 10_000_000_000_000n, 1n],
      [500_000_000_000n, 510_000_000_000n, 2n],
      [600_000_000_000n, 600_000_000_000n, 1n],
      [4_294_967_295_000_000_000n, 4_294_967_295_000_000_000n, 1n],
      [601_000_000_000n, 601_000_000_000n, 1n],
    ]);
  });
});

describe("FlowEngine TCP", () => {
  const close = (t: TestEngine, at: number): void => {
    t.feed(at, segment(a, b, fin | ack));
    t.feed(at + 0.1, segment(b, a, fin | ack));
    t.feed(at + 0.2, segment(a, b, ack));
  };

  test("ends with fin once both sides finished and stragglers had their time", () => {
    const t = new TestEngine();
    t.feed(1, segment(a, b, syn));
    t.feed(1.1, segment(b, a, syn | ack));
    t.feed(1.2, segment(a, b, ack));
    close(t, 2);
    t.feed(3, segment(a, b, ack));
    t.engine.advance(4);
    expect(t.engine.pending).toBe(0);
    t.engine.advance(5);
    const [flow] = t.ended();
    expect(flow).toMatchObject({ packetsTx: 5n, packetsRx: 2n, endReason: "fin" });
    expect(flow).toMatchObject({ flags: 0x13, tcpFlagsTx: 0x13, tcpFlagsRx: 0x13 });
  });

  test("ends with fin, not idle, where the last acknowledgment was not seen", () => {
    const t = new TestEngine();
    t.feed(1, segment(a, b, fin | ack));
    t.feed(2, segment(b, a, fin | ack));
    t.engine.advance(32);
    expect(t.engine.pending).toBe(0);
    t.engine.advance(33);
    expect(t.ended().map((f) => f.endReason)).toEqual(["fin"]);
  });

  test("waits for the other side after one FIN", () => {
    const t = new TestEngine();
    t.feed(1, segment(a, b, fin | ack));
    t.feed(2, segment(b, a, ack));
    t.feed(20, segment(b, a, ack));
    expect(t.all().map(brief)).toEqual([[`${a}:4000`, `${b}:80`, 1, 2, "eof"]]);
  });

  test("ends with rst", () => {
    const t = new TestEngine();
    t.feed(1, segment(a, b, syn));
    t.feed(1.1, segment(b, a, rst | ack));
    t.feed(1.2, segment(b, a, rst));
    t.engine.advance(8);
    expect(t.ended().map(brief)).toEqual([[`${a}:4000`, `${b}:80`, 1, 2, "rst"]]);
  });

  test("begins a new flow with a new SYN on a closed tuple, in either direction", () => {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const t = new TestEngine();
      t.feed(1, segment(a, b, syn, 100));
      close(t, 2);
      t.feed(3, segment(from, to, syn, 7777));
      const flows = t.all();
      expect(flows.map((f) => [f.srcIp, f.endReason, Number(f.packetsTx + f.packetsRx)])).toEqual([
        [a, "fin", 4],
        [from, "eof", 1],
      ]);
    }
  });

  test("counts a SYN sent again to the flow that it was refused in", () => {
    const t = new TestEngine();
    for (const at of [1, 1.5, 2]) {
      t.feed(at, segment(a, b, syn, 4242));
      t.feed(at + 0.001, segment(b, a, rst | ack));
    }
    expect(t.all().map(brief)).toEqual([[`${a}:4000`, `${b}:80`, 3, 3, "rst"]]);
  });

  test("keeps one flow where a SYN comes again on an open tuple", () => {
    const t = new TestEngine();
    t.feed(1, segment(a, b, syn, 1));
    t.feed(2, segment(a, b, syn, 2));
    t.feed(3, segment(b, a, syn | ack));
    expect(t.all().map(brief)).toEqual([[`${a}:4000`, `${b}:80`, 2, 1, "eof"]]);
  });

  test("begins a new flow with what comes long after the close", () => {
    const t = new TestEngine();
    close(t, 1);
    t.feed(10, segment(b, a, rst));
    expect(t.all().map((f) => [f.endReason, Number(f.packetsTx + f.packetsRx)])).toEqual([
      ["fin", 3],
      ["rst", 1],
    ]);
  });
});

describe("FlowEngine bounds", () => {
  test("evicts the flow that was quiet the longest when the table is full", () => {
    const t = new TestEngine({ flowsMax: 16 });
    for (let i = 0; i < 16; i += 1) t.feed(100 + i, datagram(a, b, 1000 + i));
    t.feed(117, datagram(a, b, 1000));
    t.feed(118, datagram(a, b, 2000));
    t.feed(119, datagram(a, b, 2001));
    expect(t.ended().map(brief)).toEqual([
      [`${a}:1001`, `${b}:53`, 1, 0, "evicted"],
      [`${a}:1002`, `${b}:53`, 1, 0, "evicted"],
    ]);
    expect(t.engine.figures()).toMatchObject({ flowsActive: 16, flowsCreated: 18, flowsEnded: { evicted: 2 } });
  });

  test("never holds more flows than allowed, whatever comes", () => {
    const t = new TestEngine({ flowsMax: 64, activeTimeoutS: 86_400, idleTimeoutS: 86_400 });
    for (let i = 0; i < 5000; i += 1) {
      t.feed(100 + i / 100, datagram(a, b, i));
      expect(t.engine.figures().flowsActive).toBeLessThanOrEqual(64);
    }
    const flows = t.all();
    expect(flows.length).toBe(5000);
    expectBalanced(t.engine.figures(), flows);
  });

  test("ends what is due a few flows at a time, however far time jumps", () => {
    const t = new TestEngine();
    for (let i = 0; i < 5000; i += 1) t.feed(100, datagram(a, b, i));
    const pending: number[] = [];
    for (let i = 0; i < 400; i += 1) {
      t.feed(1_000_000, datagram(a, b, 60_000));
      pending.push(t.engine.pending);
    }
    expect(pending.every((n, i) => n - (pending[i - 1] ?? 0) <= 512)).toBe(true);
    expect(pending.at(-1)).toBe(5000);
    expect(new Set(t.ended().map((f) => f.endReason))).toEqual(new Set(["idle"]));
  });

  test("drains a part at a time", () => {
    const t = new TestEngine();
    for (let i = 0; i < 10; i += 1) t.feed(1, datagram(a, b, i));
    expect(t.engine.drain("shutdown", 4)).toBe(true);
    expect(t.ended().map((f) => f.endReason)).toEqual(["shutdown", "shutdown", "shutdown", "shutdown"]);
    expect(t.engine.drain("shutdown", 6)).toBe(false);
    expect(t.ended().length).toBe(6);
  });
});

describe("FlowEngine accounting", () => {
  const own = { addresses: ["10.0.0.1", "2001:db8::1"], port: 50_051 };

  test("leaves the agent's own traffic out, both ways and in both families, and counts it", () => {
    const t = new TestEngine({ own });
    const ports: [number, number] = [4000, 50_051];
    t.feed(1, segment(a, b, syn, 1, ports));
    t.feed(1, segment(b, a, syn | ack, 1, ports));
    t.feed(1, ethernet(0x86dd, ipv6({ next: 6, src: "2001:db8::1" }, tcp(50_051, 9, { flags: ack }))));
    t.feed(1, ethernet(0x86dd, ipv6({ next: 6, dst: "2001:db8::1", src: "::5" }, tcp(9, 50_051, { flags: ack }))));
    expect(t.engine.figures()).toMatchObject({ ownPackets: 4, ownBytes: 54 * 2 + 74 * 2, flowsActive: 0 });
    t.feed(1, segment(b, a, syn, 1, [50_051, 4000]));
    t.feed(1, datagram(a, b, 1, 50_051));
    t.feed(1, ethernet(0x86dd, ipv6({ next: 6, src: "2001:db8::2", dst: "::5" }, tcp(50_051, 9, { flags: ack }))));
    expect(t.engine.figures()).toMatchObject({ ownPackets: 4, flowsActive: 3 });
  });

  test("accounts for every packet and byte, whatever the traffic", () => {
    const arbitraryFrame = fc.oneof(
      fc
        .tuple(fc.nat(5), fc.nat(5), fc.nat(31))
        .map(([src, dst, flags]) =>
          ethernet(
            0x0800,
            ipv4(
              { protocol: 6, src: `10.0.0.${src}`, dst: `10.0.0.${dst}` },
              tcp(1 + src, 50_051, { flags, sequence: dst }),
            ),
          ),
        ),
      fc.tuple(fc.nat(5), fc.nat(5)).map(([src, dst]) => datagram(`10.0.0.${src}`, `10.0.1.${dst}`)),
      fc.nat(40).map((type) => ethernet(0x86dd, ipv6({ next: 0 }, extension(58, 1, icmp(120 + type, 0))))),
      fc.constantFrom(ethernet(0x0806, new Uint8Array(28)), ethernet(0x88cc, new Uint8Array(9)), new Uint8Array(5)),
    );
    const step = fc.record({
      frame: arbitraryFrame,
      gap: fc.oneof(fc.nat(1000), fc.nat(40_000_000), fc.integer({ min: -200_000_000, max: 400_000_000 })),
      wire: fc.nat(2000),
    });
    const property = fc.property(fc.array(step, { maxLength: 120 }), fc.constantFrom(16, 1000), (steps, flowsMax) => {
      const t = new TestEngine({ own, flowsMax });
      let at = 1_000_000_000;
      const flows: FlowEvent[] = [];
      for (const { frame, gap, wire } of steps) {
        at = Math.max(0, at + gap);
        t.feed(at / 1e6, frame, { wire: wire + frame.length });
        const f = t.engine.figures();
        expect(f.activePackets).toBeGreaterThanOrEqual(f.flowsActive);
        flows.push(...t.ended());
      }
      flows.push(...t.all());
      expectBalanced(t.engine.figures(), flows);
      for (const f of flows) expect(f.endTime >= f.startTime).toBe(true);
    });
    fc.assert(property, { numRuns: 300 });
  });

  test("counts beyond 32 bits", () => {
    const t = new TestEngine();
    for (let i = 0; i < 5; i += 1) t.feed(1 + i, datagram(a, b), { wire: 0xffff_ffff });
    t.feed(9, datagram(b, a, 53, 4000), { wire: 7 });
    const flows = t.all();
    expect(flows).toMatchObject([{ bytesTx: 5n * 0xffff_ffffn, bytesRx: 7n, packetsTx: 5n, ipBytesTx: 140n }]);
    expectBalanced(t.engine.figures(), flows);
  });

  test("gives the same flows in the same order whatever the hash", () => {
    const runs = [1, 2, undefined].map((hashSeed) => {
      const t = new TestEngine(hashSeed === undefined ? { flowsMax: 100 } : { hashSeed, flowsMax: 100 });
      for (let i = 0; i < 3000; i += 1) {
        t.feed(100 + i / 20, datagram(`10.0.${i % 7}.${(i * 13) % 251}`, b, i % 300));
        if (i % 3 === 0) t.feed(100 + i / 20, segment(a, b, i % 31, i, [i % 50, 80]));
      }
      return t.all();
    });
    expect(runs[0]?.length).toBeGreaterThan(2000);
    expect(runs[1]).toEqual(runs[0] as FlowEvent[]);
    expect(runs[2]).toEqual(runs[0] as FlowEvent[]);
  });
});
