import { expect, test } from "bun:test";
import type { HostChange, HostReading } from "../../../src/collectors/scan/host-changes.ts";
import { goneEvents, hostEvents } from "../../../src/collectors/scan/host-telemetry.ts";
import type { CollectedEvent } from "../../../src/core/event.ts";
import { decodePayload } from "../../../src/envelope/index.ts";
import { eventKinds, statusOf } from "./run-scans.ts";

function decoded(events: readonly CollectedEvent[]) {
  return events.map(({ payload }) => {
    const read = decodePayload("device", payload);
    if (!read.ok || read.payload.kind !== "device") throw new Error("no telemetry of a device");
    return read.payload.event;
  });
}
const scan = { tsNs: 1n, intervalMs: 60_000, isFirst: false };

test("a host with every port open is told within bounds: no port one by one beyond 1,024, no change beyond 64", () => {
  const open = Array.from({ length: 65_535 }, (_, i) => ({ port: i + 1 }));
  const tarPit: HostReading = { address: "10.0.0.7", method: "TCP", open };
  const changes = open.map(({ port }): HostChange => ({ kind: "port.opened", port, service: "unknown" }));
  const events = hostEvents(tarPit, changes, scan);
  const bytes = events.reduce((sum, { payload }) => sum + payload.length, 0);
  expect(bytes).toBeLessThan(400_000);
  expect(Math.max(...events.map(({ payload }) => payload.length))).toBeLessThanOrEqual(100_000);
  const all = decoded(events);
  const metrics = all.flatMap((one) => one.events.flatMap(({ metricData }) => metricData ?? []));
  expect(metrics.find(({ metricName }) => metricName === "scan.ports.open")?.numericValue).toBe(65_535);
  expect(metrics.find(({ metricName }) => metricName === "scan.ports.open_list")?.stringValue).toBe("1-65535");
  expect(metrics.filter(({ metricName }) => metricName === "scan.port.open")).toHaveLength(1024);
  expect(all.flatMap(eventKinds)).toEqual(["WARN port.opened"]);
  const [security] = all.flatMap((one) => one.events.filter(({ eventType }) => eventType === "SECURITY"));
  expect(security?.attributes).toMatchObject({ count: "65535", ports: "1-65535" });
  expect(goneEvents(tarPit, scan)[0]?.payload.length).toBeLessThan(10_000);
});

test("64 changes are told one by one; of the first scan nothing is a warning", () => {
  const reading: HostReading = { address: "10.0.0.7", method: "TCP", open: [] };
  const changes = Array.from(
    { length: 64 },
    (_, i): HostChange => ({ kind: "port.closed", port: i + 1, service: "x" }),
  );
  expect(decoded(hostEvents(reading, changes, scan)).flatMap(eventKinds)).toHaveLength(64);
  const [first] = decoded(hostEvents(reading, [{ kind: "device.discovered" }], { ...scan, isFirst: true }));
  expect(first && eventKinds(first)).toEqual(["INFO device.discovered"]);
  const [later] = decoded(hostEvents(reading, [{ kind: "device.discovered" }], scan));
  expect(later && eventKinds(later)).toEqual(["WARN device.discovered"]);
});

test("a device that is back is no warning, and was away for so long", () => {
  const reading: HostReading = { address: "10.0.0.7", method: "TCP", open: [] };
  const [back] = decoded(hostEvents(reading, [{ kind: "device.returned", away_s: 90 }], scan));
  expect(back && statusOf(back)).toEqual(["OFFLINE -> ONLINE", "INFO device.returned"]);
  const told = back?.events.find(({ metricData }) => metricData?.metricName === "scan.event");
  expect(told?.metricData?.labels).toEqual({ away_s: "90" });
});

test("only a finding is a security event", () => {
  const reading: HostReading = { address: "10.0.0.7", method: "TCP", open: [] };
  const [before, after, service] = ["x", "y", "ssh"];
  const isSecurity = (change: HostChange, isFirst = false) =>
    decoded(hostEvents(reading, [change], { ...scan, isFirst })).some(({ events }) =>
      events.some(({ eventType, securityEvent }) => eventType === "SECURITY" && securityEvent?.requiresInvestigation),
    );
  const changes: HostChange[] = [
    { kind: "device.discovered" },
    { kind: "device.returned", away_s: 1 },
    { kind: "device.hardware_changed", before, after },
    { kind: "device.moved", before, after },
    { kind: "port.opened", port: 22, service },
    { kind: "port.closed", port: 22, service },
    { kind: "service.changed", port: 22, before, after },
  ];
  expect(changes.filter((change) => isSecurity(change)).map(({ kind }) => kind)).toEqual([
    "device.discovered",
    "device.hardware_changed",
    "port.opened",
    "service.changed",
  ]);
  expect(changes.filter((change) => isSecurity(change, true))).toEqual([]);
});
