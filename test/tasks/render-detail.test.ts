import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { hostEvents } from "../../src/collectors/scan/host-telemetry.ts";
import { type DecodedPayload, decodePayload } from "../../src/envelope/index.ts";
import { ParkedRecordSchema } from "../../src/gen/amoskys/v1/records_pb.ts";
import { FlowEventSchema, ProcessEventSchema } from "../../src/gen/messaging_schema_pb.ts";
import { DeviceTelemetrySchema, TelemetryBatchSchema } from "../../src/gen/universal_telemetry_pb.ts";
import { detailLines } from "../../src/tasks/render-detail.ts";
import { encode, madeEnvelope } from "../envelope/universal-arbitrary.ts";
import { contentOf, splitFields } from "../envelope/wire.ts";

const startNs = 1_700_000_000_000_000_000n;
const linesOf = (payload: DecodedPayload, columns = 110) => [...detailLines(payload, columns)];

describe("detailLines", () => {
  test("a flow: what its line does not say, packed", () => {
    const event = create(FlowEventSchema, {
      srcIp: "10.0.0.1",
      dstIp: "10.0.0.2",
      protocol: "TCP",
      proto: "TCP",
      bytesSent: 1536n,
      bytesTx: 1536n,
      startTime: startNs,
      endTime: startNs + 1_000_000_000n,
      flags: 0x12,
      tcpFlagsRx: 0x12,
      communityId: "1:abc=",
    });
    expect(linesOf({ kind: "flow", event })).toEqual([
      "flags SA  start time 2023-11-14 22:13:20.000Z  end time 2023-11-14 22:13:21.000Z  bytes tx 1536",
      "tcp flags rx SA  community id 1:abc=",
    ]);
  });

  test("a process: its whole command line as a shell takes it, its group, its times", () => {
    const event = create(ProcessEventSchema, {
      pid: 7n,
      exe: "/bin/sh",
      args: ["sh", "-c", "echo it's", "x".repeat(4000)],
      startTsNs: startNs,
      gid: 100,
      cgroup: "/system.slice/cron.service",
      containerId: "0123456789abcdef0123",
      source: "ebpf",
    });
    const [first, ...rest] = linesOf({ kind: "process", event });
    expect(first).toBe(`command line sh -c 'echo it'\\''s' ${"x".repeat(4000)}`);
    expect(rest).toEqual([
      "gid 100  exe /bin/sh  start 2023-11-14 22:13:20.000Z  cgroup /system.slice/cron.service",
      "container id 0123456789abcdef0123  source ebpf",
    ]);
    for (const line of rest) expect(line.length).toBeLessThanOrEqual(110);
  });

  test("a scanned host: what is known of it, its state, every port with all labels, every change", () => {
    const open = Array.from({ length: 300 }, (_, i) => ({ port: i + 1 }));
    const service = { service: "ssh", product: "OpenSSH", complete: true, details: { comment: "Debian-2" } } as const;
    const host = {
      address: "10.77.0.2",
      vendor: "HP",
      method: "ARP",
      open: [...open, { port: 2222, service }],
    } as const;
    const scan = { tsNs: startNs, intervalMs: 60_000, isFirst: false };
    const [event] = hostEvents(host, [{ kind: "port.opened", port: 2222, service: "ssh" }], scan);
    const decoded = decodePayload("device", event?.payload ?? new Uint8Array());
    if (!decoded.ok) throw new Error(decoded.reason);
    const lines = linesOf(decoded.payload);
    expect(lines.join("\n")).toContain("manufacturer HP");
    expect(lines).toContain("STATUS 10.77.0.2 ONLINE  previous status ONLINE");
    expect(lines).toContain("scan.ports.open 301");
    expect(lines.filter((line) => line.startsWith("scan.port.open{"))).toHaveLength(301);
    expect(lines).toContain("scan.port.open{port=2222 transport=tcp service=ssh product=OpenSSH comment=Debian-2} 1");
    expect(lines.at(-1)).toStartWith(
      "WARN SECURITY  event port.opened  port 2222  service ssh  event category INTRUSION",
    );
    expect(lines.at(-1)).toContain("target resource 10.77.0.2 tcp/2222");
  });

  test("metrics with every label, bucket and extreme", () => {
    const labels = { syscall: "futex", pid: "7", entity_id: "ab", "le=0.000001": "9", "le=+Inf": "10" };
    const metric = { metricName: "syscall.latency", unit: "s", labels, numericValue: 0.5, sampleCount: 10n };
    const values = { minValue: 0.000_001, maxValue: 0.4, avgValue: 0.05 };
    const event = create(DeviceTelemetrySchema, {
      events: [
        { eventType: "METRIC", severity: "INFO", metricData: { ...metric, ...values } },
        { metricData: { metricName: "text", stringValue: "x".repeat(3000) } },
        { metricData: { metricName: "on", booleanValue: true } },
        { metricData: { metricName: "raw", binaryValue: Uint8Array.of(1, 255) } },
      ],
    });
    expect(linesOf({ kind: "device", event })).toEqual([
      "syscall.latency{syscall=futex pid=7 entity_id=ab} 500 ms  10 samples: mean 50 ms, min 1 µs, max 400 ms" +
        "  up to 1 µs: 9, +Inf: 10",
      `text ${"x".repeat(3000)}`,
      "on true",
      "raw 01ff",
    ]);
  });

  test("batches hold devices, parked records a digest", () => {
    const device = { deviceId: "h", events: [{ metricData: { metricName: "cpu", numericValue: 5, unit: "%" } }] };
    const batch = create(TelemetryBatchSchema, { edgeLocation: "roof", telemetryRecords: [device] });
    expect(linesOf({ kind: "batch", event: batch })).toEqual(["edge location roof", "h  cpu 5 %", "  cpu 5 %"]);
    const parked = create(ParkedRecordSchema, { sequence: 9n, code: "conflict", digest: new Uint8Array(4).fill(0xab) });
    expect(linesOf({ kind: "parked", event: parked })).toEqual(["digest abababab", "sequence 9  code conflict"]);
  });

  test("anything that can be decoded becomes lines without controls", () => {
    const numbers: Record<string, number> = { flow: 4, process: 5, device: 6, batch: 7, loss: 103, parked: 105 };
    fc.assert(
      fc.property(madeEnvelope, (made) => {
        const field = splitFields(encode(made)).find(({ number }) => number === numbers[made.kind]);
        const result = decodePayload(made.kind as "flow", contentOf(field));
        if (!result.ok) throw new Error(result.reason);
        for (const line of linesOf(result.payload)) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
      { seed: 9, numRuns: 300 },
    );
  });

  test("no text of any field reaches a terminal as a control", () => {
    const hostile = "a\u001b[2Jb\nc\u202ed\u009b";
    const map = { [hostile]: hostile };
    const event = create(DeviceTelemetrySchema, {
      deviceType: hostile,
      metadata: { model: hostile, protocols: [hostile], customProperties: map },
      events: [
        { eventType: hostile, severity: hostile, attributes: map, tags: [hostile], sourceComponent: hostile },
        { metricData: { metricName: hostile, unit: hostile, labels: { ...map, [`le=${hostile}`]: hostile } } },
        { metricData: { metricName: "x", stringValue: hostile } },
        { statusData: { componentName: hostile, status: hostile, previousStatus: hostile } },
        { securityEvent: { userName: hostile, threatIndicators: [{ source: hostile }] } },
      ],
    });
    const process = create(ProcessEventSchema, { args: [hostile], exe: hostile, cgroup: hostile });
    const flow = create(FlowEventSchema, { communityId: hostile, proto: hostile });
    const lines = [
      ...linesOf({ kind: "device", event }),
      ...linesOf({ kind: "process", event: process }),
      ...linesOf({ kind: "flow", event: flow }),
    ];
    expect(lines.length).toBeGreaterThan(8);
    for (const line of lines) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
    expect(lines.filter((line) => line.includes("\\x1b[2J")).length).toBeGreaterThan(7);
  });
});
