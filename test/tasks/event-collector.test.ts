import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import type { DecodedPayload } from "../../src/envelope/index.ts";
import { LossRecordSchema } from "../../src/gen/amoskys/v1/records_pb.ts";
import { FlowEventSchema, ProcessEventSchema } from "../../src/gen/messaging_schema_pb.ts";
import { DeviceTelemetrySchema } from "../../src/gen/universal_telemetry_pb.ts";
import { collectorCommandName, collectorNames } from "../../src/roles/collector-registry.ts";
import { collectorOf, kindsToRead } from "../../src/tasks/event-collector.ts";

const flow: DecodedPayload = { kind: "flow", event: create(FlowEventSchema, {}) };
const processOf = (source: string): DecodedPayload => ({
  kind: "process",
  event: create(ProcessEventSchema, { source }),
});
const deviceOf = (collectionAgent: string): DecodedPayload => ({
  kind: "device",
  event: create(DeviceTelemetrySchema, { collectionAgent }),
});

describe("collectorOf", () => {
  test.each<[string | undefined, DecodedPayload | undefined]>([
    ["flow", flow],
    ["proc", processOf("poll")],
    ["syscall", processOf("ebpf")],
    [undefined, processOf("audit")],
    [undefined, processOf("toString")],
    ["scan", deviceOf("scan")],
    [undefined, deviceOf("")],
    [undefined, { kind: "loss", event: create(LossRecordSchema, {}) }],
    [undefined, undefined],
  ])("%p", (collector, payload) => {
    expect(collectorOf({ synthetic: false, payload })).toBe(collector);
    expect(collectorOf({ synthetic: true, payload })).toBe("synthetic");
  });
});

describe("kindsToRead", () => {
  test("leaves out what no record of these collectors has", () => {
    expect(kindsToRead(undefined, undefined)).toBeUndefined();
    expect(kindsToRead(["flow"], undefined)).toEqual(["flow"]);
    expect(kindsToRead(undefined, ["scan", "flow"])).toEqual(["device", "flow"]);
    expect(kindsToRead(["process", "flow"], ["proc"])).toEqual(["process"]);
    expect(kindsToRead(["flow"], ["scan"])).toEqual(["flow"]);
  });

  test("knows the kinds of every collector that has other ones than telemetry", () => {
    for (const collector of collectorNames.map(collectorCommandName)) {
      const kinds = kindsToRead(undefined, [collector]) ?? [];
      expect(kinds.length).toBeGreaterThan(0);
      const payloads = [flow, processOf("poll"), processOf("ebpf"), deviceOf(collector)];
      const own = payloads.filter((payload) => collectorOf({ synthetic: false, payload }) === collector);
      expect(own.length).toBeGreaterThan(0);
      for (const { kind } of own) if (collector !== "flow" || kind === "flow") expect(kinds).toContain(kind);
    }
  });
});
