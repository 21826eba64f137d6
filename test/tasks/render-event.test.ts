import { describe, expect, test } from "bun:test";
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { type DecodedPayload, decodePayload } from "../../src/envelope/index.ts";
import { LossRecordSchema, ParkedRecordSchema } from "../../src/gen/amoskys/v1/records_pb.ts";
import { FlowEventSchema, ProcessEventSchema } from "../../src/gen/messaging_schema_pb.ts";
import { DeviceTelemetrySchema, TelemetryBatchSchema } from "../../src/gen/universal_telemetry_pb.ts";
import { eventLine, shortText } from "../../src/tasks/render-event.ts";
import { encode, madeEnvelope } from "../envelope/universal-arbitrary.ts";
import { contentOf, splitFields } from "../envelope/wire.ts";

function line<Desc extends DescMessage>(
  kind: DecodedPayload["kind"],
  schema: Desc,
  fields: MessageInitShape<Desc>,
): string {
  return eventLine({ kind, event: create(schema, fields) } as unknown as DecodedPayload);
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

  test("processes", () => {
    const start = { kind: "exec", pid: 12n, ppid: 1n, uid: 1000, exe: "/usr/bin/curl", args: ["curl", "-s", "x"] };
    expect(line("process", ProcessEventSchema, start)).toBe("exec 12 /usr/bin/curl  (-s x)  parent 1, user 1000");
    const exit = { kind: "exit", pid: 12n, ppid: 1n, exitCode: 3, containerId: "0123456789abcdef" };
    expect(line("process", ProcessEventSchema, exit)).toBe(
      "exit 12 ?  parent 1, user 0  container 0123456789ab  exit code 3",
    );
  });

  test("device telemetry and batches", () => {
    const events = [
      { metricData: { metricName: "cpu.total", numericValue: 5, unit: "%" } },
      { metricData: { metricName: "snmp.system.name", stringValue: "router" } },
      { severity: "WARN", eventType: "LOG", logData: { message: "disk" } },
      {},
    ];
    const device = { deviceId: "router-1", protocol: "SNMP", events };
    expect(line("device", DeviceTelemetrySchema, device)).toBe(
      "router-1 over SNMP  4 events  cpu.total 5 %, snmp.system.name router, WARN LOG disk, 1 more",
    );
    const batch = { batchSequenceNumber: 3, edgeAgentId: "edge", telemetryRecords: [device], droppedEvents: 2 };
    expect(line("batch", TelemetryBatchSchema, batch)).toBe("batch 3 of edge  1 record, 4 events  2 events dropped");
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
      },
    }));
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
        expect(eventLine(result.payload)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
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
