import { describe, expect, test } from "bun:test";
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { type DecodedPayload, decodePayload } from "../../src/envelope/index.ts";
import { LossRecordSchema, ParkedRecordSchema } from "../../src/gen/amoskys/v1/records_pb.ts";
import { FlowEventSchema, ProcessEventSchema } from "../../src/gen/messaging_schema_pb.ts";
import { DeviceTelemetrySchema, TelemetryBatchSchema } from "../../src/gen/universal_telemetry_pb.ts";
import { eventLine } from "../../src/tasks/render-event.ts";
import { shortText } from "../../src/tasks/render-metric.ts";
import { encode, madeEnvelope } from "../envelope/universal-arbitrary.ts";
import { contentOf, splitFields } from "../envelope/wire.ts";

function line<Desc extends DescMessage>(
  kind: DecodedPayload["kind"],
  schema: Desc,
  fields: MessageInitShape<Desc>,
  columns = 72,
): string {
  return eventLine({ kind, event: create(schema, fields) } as unknown as DecodedPayload, columns);
}

const startNs = 1_700_000_000_000_000_000n;

describe("eventLine", () => {
  test("a TCP flow", () => {
    const flow = {
      srcIp: "10.0.0.1",
      srcPort: 40_001,
      dstIp: "2001:db8::2",
      dstPort: 443,
      protocol: "TCP",
      bytesTx: 1536n,
      bytesRx: 10n,
      packetsTx: 1200n,
      packetsRx: 1n,
      tcpFlagsTx: 0x13,
      tcpFlagsRx: 0x12,
      durationMs: 2500,
      endReason: "fin",
      interface: "eth0",
      vlanId: 7,
    };
    expect(line("flow", FlowEventSchema, flow)).toBe(
      "TCP 10.0.0.1:40001 -> [2001:db8::2]:443  1,200 packets 1.5 KiB out, 1 packet 10 B in" +
        "  FSA  2s  fin  eth0  vlan 7",
    );
  });

  test("a flow by the first names of its fields, with times in seconds", () => {
    const flow = {
      srcIp: "1.1.1.1",
      dstIp: "8.8.8.8",
      proto: "ICMP",
      bytesSent: 10n,
      bytesRecv: 20n,
      startTime: 100n,
      endTime: 160n,
    };
    expect(line("flow", FlowEventSchema, flow)).toBe("ICMP 1.1.1.1 -> 8.8.8.8  10 B out, 20 B in  1m");
  });

  test("ICMP has type and code, or the type that answers it, where others have ports", () => {
    const icmp = (srcIp: string, protocol: string, srcPort: number, dstPort: number) =>
      line("flow", FlowEventSchema, { srcIp, dstIp: srcIp, protocol, srcPort, dstPort });
    expect(icmp("10.0.0.1", "ICMP", 8, 0)).toStartWith("ICMP 10.0.0.1 -> 10.0.0.1  type 8, answered by 0  ");
    expect(icmp("10.0.0.1", "ICMP", 3, 1)).toStartWith("ICMP 10.0.0.1 -> 10.0.0.1  type 3, code 1  ");
    expect(icmp("fe80::1", "IPv6-ICMP", 128, 129)).toContain("fe80::1  type 128, answered by 129  ");
  });

  test("a flow without anything", () => {
    expect(line("flow", FlowEventSchema, {})).toBe("IP ? -> ?  0 B out, 0 B in  0 ms");
  });

  test("a flow that ends before it begins", () => {
    const flow = { startTime: startNs + 5_000_000_000n, endTime: startNs };
    expect(line("flow", FlowEventSchema, flow)).toContain("0 ms");
  });

  test("processes by the name of their file, else as ps names them", () => {
    const start = { kind: "exec", pid: 12n, ppid: 1n, uid: 1000, exe: "/usr/bin/curl", args: ["curl", "-s", "x"] };
    expect(line("process", ProcessEventSchema, start)).toBe("exec 12 curl  (-s x)  parent 1, user 1000");
    const thread = { kind: "seen", pid: 2n, args: ["[kthreadd]"], source: "poll" };
    expect(line("process", ProcessEventSchema, thread)).toBe("seen 2 [kthreadd]  parent 0, user 0");
    const deleted = { ...start, exe: "/tmp/x (deleted)", args: ["x"] };
    expect(line("process", ProcessEventSchema, deleted)).toBe("exec 12 x (deleted)  parent 1, user 1000");
  });

  test("the arguments of a process fill the line and no more", () => {
    const event = { kind: "exec", pid: 12n, ppid: 1n, uid: 1000, exe: "/usr/bin/curl" };
    const lineOf = (columns: number, argument: string) =>
      line("process", ProcessEventSchema, { ...event, args: ["curl", argument] }, columns);
    for (const argument of ["y".repeat(5000), "日本語".repeat(900), "\u001b[31m".repeat(900)]) {
      for (const columns of [72, 73, 200]) {
        const width = Bun.stringWidth(lineOf(columns, argument));
        // a character that is two wide may leave one column
        expect(columns - width).toBeWithin(0, 2);
        expect(lineOf(columns, argument)).toContain("…)  parent 1, user 1000");
      }
    }
    expect(lineOf(200, "y".repeat(100))).toContain(`(${"y".repeat(100)})`);
    expect(lineOf(20, "y".repeat(100))).toBe(`exec 12 curl  (${"y".repeat(11)}…)  parent 1, user 1000`);
  });

  test("an end has its exit code where somebody was told of it, and is never given one", () => {
    const exit = { kind: "exit", pid: 12n, ppid: 1n, exitCode: 3, containerId: "0123456789abcdef" };
    expect(line("process", ProcessEventSchema, exit)).toBe(
      "exit 12 ?  parent 1, user 0  container 0123456789ab  exit code 3",
    );
    const polled = { kind: "exit", pid: 12n, exe: "/bin/sleep", source: "poll", startTsNs: startNs };
    expect(line("process", ProcessEventSchema, { ...polled, exitTimeNs: startNs + 61_000_000_000n })).toBe(
      "exit 12 sleep  parent 0, user 0  after 1m 1s",
    );
    expect(line("process", ProcessEventSchema, polled)).toBe("exit 12 sleep  parent 0, user 0");
  });

  test("device telemetry and batches", () => {
    const events = [
      { metricData: { metricName: "cpu.total", numericValue: 5, unit: "%" } },
      { metricData: { metricName: "snmp.system.name", stringValue: "router" } },
      { severity: "WARN", eventType: "LOG", logData: { message: "disk" } },
      {},
    ];
    const device = { deviceId: "router-1", protocol: "SNMP", events };
    expect(line("device", DeviceTelemetrySchema, device, 120)).toEndWith("router, WARN LOG disk, event");
    expect(line("device", DeviceTelemetrySchema, device)).toBe(
      "router-1 over SNMP  cpu.total 5 %, snmp.system.name router, 2 more",
    );
    const long = { deviceId: "h", protocol: "PROC", collectionAgent: "host", events: events.toReversed() };
    long.events[1] = { metricData: { metricName: "x".repeat(80), numericValue: 1, unit: "" } };
    expect(line("device", DeviceTelemetrySchema, long)).toBe("h over PROC by host  event, 3 more");
    expect(line("device", DeviceTelemetrySchema, { ...long, collectionAgent: "proc" })).toStartWith(
      "h over PROC  event",
    );
    expect(line("device", DeviceTelemetrySchema, { deviceId: "h" })).toBe("h  no events");
    const batch = { batchSequenceNumber: 3, edgeAgentId: "edge", telemetryRecords: [device], droppedEvents: 2 };
    expect(line("batch", TelemetryBatchSchema, batch)).toBe("batch 3 of edge  1 record, 4 events  2 events dropped");
  });

  test("a device's metrics with labels and in units that a person reads, and its state", () => {
    const metric = (name: string, value: number, unit: string, more = {}) => ({
      metricData: { metricName: name, numericValue: value, unit, ...more },
    });
    const shown = (...events: object[]) => line("device", DeviceTelemetrySchema, { deviceId: "h", events }, 90);
    const labels = { syscall: "futex", pid: "7", name: "x", entity_id: "ab", "le=1": "9" };
    const latency = { labels, sampleCount: 1200n, avgValue: 0.000_001_25, maxValue: 12.5 };
    expect(shown(metric("syscall.latency", 1.5, "s", latency))).toEndWith(
      "syscall.latency{syscall=futex pid=7} 1.25 µs (mean of 1,200, max 12s)",
    );
    expect(shown(metric("processes", 12_345, "1", { labels: { state: "S" } }))).toEndWith("processes{state=S} 12,345");
    expect(shown(metric("memory", 3 * 2 ** 20, "bytes"), metric("cpu", 12.345_678, "percent"))).toEndWith(
      "memory 3.0 MiB, cpu 12.3 %",
    );
    const log = { severity: "WARN", eventType: "LOG", logData: { message: "disk" } };
    expect(shown(log, log, log, log)).toEndWith("WARN LOG disk, WARN LOG disk, WARN LOG disk, WARN LOG disk");
    expect(
      shown(metric("rate", 1536.4, "bytes/s"), metric("busy", 0.004, "s"), metric("fan", 1234.5, "rpm")),
    ).toEndWith("rate 1.5 KiB/s, busy 4 ms, fan 1,235 rpm");
    const statusData = { componentName: "host", status: "ONLINE", cpuUsagePercent: 5.4, memoryUsagePercent: 40 };
    expect(shown({ statusData })).toEndWith("h  host ONLINE cpu 5 % memory 40 %");
  });

  test("what a log says of itself", () => {
    const loss = {
      firstSequence: 2n,
      lastSequence: 5n,
      count: 4n,
      reason: "budget",
      startNs,
      endNs: startNs + 1_500_000_000n,
    };
    expect(line("loss", LossRecordSchema, loss)).toBe("lost 4 events (budget)  sequences 2 to 5  over 1s");
    expect(line("loss", LossRecordSchema, { firstSequence: 2n, lastSequence: 2n, count: 1n })).toBe(
      "lost 1 event (no reason given)  sequence 2",
    );
    const parked = { sequence: 9n, code: "undecodable", reason: "why", digest: new Uint8Array(32).fill(0xab) };
    expect(line("parked", ParkedRecordSchema, parked)).toBe(
      "parked sequence 9 (undecodable: why)  digest abababababababab",
    );
  });

  test("no byte from the outside reaches the terminal as a control, in no field of any kind", () => {
    const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/;
    const hostile = "a\u001b[2Jb\nc\u202ed\u009b";
    const events = ["metricData", "logData", "alarmData", "statusData"].map((field) => ({
      severity: hostile,
      eventType: hostile,
      [field]: {
        metricName: hostile,
        stringValue: hostile,
        unit: hostile,
        message: hostile,
        alarmName: hostile,
        status: hostile,
        componentName: hostile,
      },
    }));
    const labelled = { metricData: { metricName: hostile, unit: hostile, labels: { [hostile]: hostile } } };
    const flow = {
      srcIp: hostile,
      dstIp: hostile,
      protocol: hostile,
      endReason: hostile,
      interface: hostile,
      srcPort: 1,
    };
    const process = { kind: hostile, exe: hostile, args: [hostile, hostile], containerId: hostile };
    const lines = [
      line("flow", FlowEventSchema, flow),
      line("process", ProcessEventSchema, process),
      ...events.map((event) =>
        line("device", DeviceTelemetrySchema, { deviceId: hostile, protocol: hostile, events: [event] }),
      ),
      line("device", DeviceTelemetrySchema, { events: [labelled] }),
      line("batch", TelemetryBatchSchema, { edgeAgentId: hostile }),
      line("loss", LossRecordSchema, { reason: hostile }),
      line("parked", ParkedRecordSchema, { code: hostile, reason: hostile }),
    ];
    for (const each of lines) expect(each).not.toMatch(controls);
    expect(lines[0]).toContain("\\x1b[2J");
  });

  test("anything that can be decoded becomes one line", () => {
    const numbers: Record<string, number> = { flow: 4, process: 5, device: 6, batch: 7, loss: 103, parked: 105 };
    fc.assert(
      fc.property(madeEnvelope, (made) => {
        const field = splitFields(encode(made)).find(({ number }) => number === numbers[made.kind]);
        const result = decodePayload(made.kind as "flow", contentOf(field));
        if (!result.ok) throw new Error(result.reason);
        expect(eventLine(result.payload, 72)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
      { seed: 9, numRuns: 300 },
    );
  });
});

describe("shortText", () => {
  test("bounds what the outside can put on a line", () => {
    expect(shortText("x".repeat(5000)).length).toBe(96);
    expect(shortText("short")).toBe("short");
  });
});
