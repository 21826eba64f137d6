import { describe, expect, test } from "bun:test";
import type { HostChange, HostReading } from "../../src/collectors/scan/host-changes.ts";
import { goneEvents, hostEvents } from "../../src/collectors/scan/host-telemetry.ts";
import type { CollectedEvent } from "../../src/core/event.ts";
import { decodePayload } from "../../src/envelope/index.ts";
import { eventLine } from "../../src/tasks/render-event.ts";
import { TelemetryBuilder } from "../../src/telemetry/index.ts";

const columns = 72;
const scan = { tsNs: 1_700_000_000_000_000_000n, intervalMs: 60_000, isFirst: true };

function lineOf([event]: readonly CollectedEvent[], width = columns): string {
  const decoded = decodePayload("device", (event as CollectedEvent).payload);
  if (!decoded.ok) throw new Error(decoded.reason);
  return eventLine(decoded.payload, width);
}

const open = [
  { port: 22, service: { service: "ssh", product: "OpenSSH", version: "9.2p1", complete: true } as const },
  { port: 80, service: { service: "http", product: "nginx", complete: true } as const },
  ...[631, 9100, 9101].map((port) => ({ port })),
];
const printer: HostReading = {
  address: "10.77.0.2",
  hardwareAddress: "00:11:22:33:44:55",
  name: "printer.example.org",
  vendor: "HP",
  method: "ARP",
  open,
};
const isNew: HostChange[] = [{ kind: "device.discovered" }];

describe("a scanned host", () => {
  test("begins with its address, its name, its vendor and its open ports", () => {
    expect(lineOf(hostEvents(printer, isNew, scan), 90)).toBe(
      "10.77.0.2 (printer.example.org, HP) by scan  22/ssh OpenSSH 9.2p1, 80/http nginx, 3 more",
    );
    expect(lineOf(hostEvents(printer, isNew, scan), 120)).toEndWith("80/http nginx, 631, 9100, 9101");
    const nameless = { address: "10.77.0.3", hardwareAddress: "00:11:22:33:44:56", method: "ARP", open: [] } as const;
    expect(lineOf(hostEvents(nameless, isNew, scan))).toBe("10.77.0.3 (00:11:22:33:44:56) by scan  no open ports");
    expect(lineOf(hostEvents({ address: "10.77.0.4", method: "TCP", open: [] }, isNew, scan))).toBe(
      "10.77.0.4 by scan  no open ports",
    );
  });

  test("what is new on it stands in front, and what it was when it is gone", () => {
    const changes: HostChange[] = [{ kind: "port.opened", port: 22, service: "ssh" }];
    expect(lineOf(hostEvents(printer, changes, { ...scan, isFirst: false }), 90)).toStartWith(
      "10.77.0.2 (printer.example.org, HP) by scan  port.opened 22, 22/ssh OpenSSH 9.2p1",
    );
    expect(lineOf(goneEvents(printer, scan), 110)).toBe(
      "10.77.0.2 (printer.example.org, HP) by scan  OFFLINE, last seen with 22 ssh OpenSSH 9.2p1, 80 http nginx, 631…",
    );
  });

  test("a host with every port open keeps within its line", () => {
    const tarPit = { ...printer, open: Array.from({ length: 1000 }, (_, i) => ({ port: i + 1 })) };
    const line = lineOf(hostEvents(tarPit, isNew, scan), 90);
    expect(line.length).toBeLessThanOrEqual(90);
    expect(line).toMatch(/ {2}1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, \d+ more$/);
  });
});

describe("an SNMP device", () => {
  const metadata = { ipAddress: "10.0.0.1", manufacturer: "Cisco", model: "C2960" };
  const facts = { deviceId: "core", deviceType: "NETWORK", protocol: "SNMP", collector: "snmp", metadata } as const;

  test("begins with its name, its address and its product, its state and its interfaces", () => {
    const builder = new TelemetryBuilder(facts, 1n);
    builder.status("INFO", { componentName: "core", status: "ONLINE", uptimeSeconds: 90_000 });
    builder.text("snmp.system.name", "switch-1");
    for (const index of ["1", "2", "3"]) {
      builder.text("snmp.interface.description", `eth${index}`, { index });
      builder.metric("snmp.interface.admin_status", index === "3" ? 2 : 1, "1", { labels: { index } });
      builder.metric("snmp.interface.oper_status", index === "1" ? 1 : 2, "1", { labels: { index } });
    }
    expect(lineOf(builder.build(), 120)).toBe(
      "switch-1 (core, 10.0.0.1, Cisco C2960) by snmp  ONLINE, 3 interfaces (1 down), up 1d 1h, 11 events",
    );
  });

  test("says why it cannot be read, and which interface fell", () => {
    const away = new TelemetryBuilder({ ...facts, metadata: { ipAddress: "10.0.0.1" } }, 1n);
    away.status("ERROR", { componentName: "core", status: "OFFLINE" }).text("snmp.device.error", "no answer");
    expect(lineOf(away.build())).toBe("core (10.0.0.1) by snmp  OFFLINE, no answer, 2 events");
    const fallen = new TelemetryBuilder({ ...facts, metadata: {} }, 1n);
    fallen.status("INFO", { componentName: "core", status: "ONLINE" });
    fallen.status("WARN", { componentName: "interface eth1", status: "OFFLINE" });
    expect(lineOf(fallen.build())).toBe("core by snmp  ONLINE, interface eth1 OFFLINE, 2 events");
  });
});

describe("texts of devices", () => {
  test("no byte of theirs reaches a terminal as a control", () => {
    const hostile = "a\u001b[2Jb\nc\u202ed\u009b";
    const metadata = { ipAddress: hostile, manufacturer: hostile, model: hostile, customProperties: { name: hostile } };
    for (const collector of ["scan", "snmp"]) {
      const facts = { deviceId: hostile, deviceType: "NETWORK", protocol: hostile, collector, metadata } as const;
      const builder = new TelemetryBuilder(facts, 1n);
      builder.status("WARN", { componentName: hostile, status: hostile });
      builder.security("WARN", {}, { event: hostile, port: hostile });
      const labels = { port: hostile, service: hostile, product: hostile, version: hostile };
      builder.metric("scan.port.open", 1, "1", { labels });
      for (const name of ["snmp.system.name", "snmp.device.error"]) builder.text(name, hostile);
      const line = lineOf(builder.build(), 500);
      expect(line).toContain("\\x1b[2J");
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/);
    }
  });
});
