import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HostReading } from "../../../src/collectors/scan/host-changes.ts";
import { loadLastScan, saveLastScan } from "../../../src/collectors/scan/last-scan.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "amoskys-last-scan-"));
  path = join(folder, "state", "scan.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

const scope = { targets: ["10.0.0.0/29"], ports: [22, 80] };
const hosts: HostReading[] = [
  {
    address: "10.0.0.2",
    hardwareAddress: "02:00:00:00:00:02",
    method: "ARP",
    open: [
      { port: 22, service: { service: "ssh", product: "OpenSSH", details: { comment: "Debian" }, complete: true } },
      { port: 80, banner: "hello" },
    ],
  },
  { address: "fd00::1", method: "TCP", open: [{ port: 80 }] },
];

const gone = [{ ...(hosts[0] as HostReading), address: "10.0.0.3", goneMs: 1_800_000_000_000 }];
const record = { hosts, gone };

describe("the last scan", () => {
  test("is read as it was kept, by a run with the same scope only, and by its owner only", () => {
    expect(loadLastScan(path, scope)).toBeUndefined();
    saveLastScan(path, scope, record);
    expect(loadLastScan(path, scope)).toEqual(record);
    expect(loadLastScan(path, { ...scope, ports: [22] })).toBeUndefined();
    expect(loadLastScan(path, { ...scope, targets: ["10.0.0.0/28"] })).toBeUndefined();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "state")).mode & 0o777).toBe(0o700);
  });

  test("is replaced whole: one that could not be written leaves the old one", () => {
    saveLastScan(path, scope, record);
    expect(() => saveLastScan(path, scope, { ...record, hosts: [1n as unknown as HostReading] })).toThrow();
    expect(loadLastScan(path, scope)).toEqual(record);
    saveLastScan(path, scope, { hosts: [], gone: [] });
    expect(loadLastScan(path, scope)).toEqual({ hosts: [], gone: [] });
    expect(readdirSync(join(folder, "state"))).toEqual(["scan.json"]);
  });

  test("of a run that knew nothing of what had gone is read", () => {
    saveLastScan(path, scope, record);
    writeFileSync(path, JSON.stringify({ version: 1, scope, hosts }));
    expect(loadLastScan(path, scope)).toEqual({ hosts, gone: [] });
  });

  test.each([
    ["no JSON", "{"],
    ["another version", JSON.stringify({ version: 2, scope, hosts })],
    ["a port that is none", JSON.stringify({ version: 1, scope, hosts: [{ ...hosts[1], open: [{ port: 0 }] }] })],
    ["gone at no time", JSON.stringify({ version: 1, scope, hosts, gone: [{ ...hosts[1] }] })],
    ["no address", JSON.stringify({ version: 1, scope, hosts: [{ ...hosts[1], address: "\u001b[2J" }] })],
  ])("that is %s is refused with what to do", (_, text) => {
    saveLastScan(path, scope, record);
    writeFileSync(path, text);
    expect(() => loadLastScan(path, scope)).toThrow(
      expect.objectContaining({ message: `The last scan in ${path} cannot be used`, hint: `rm ${path}` }),
    );
    expect(existsSync(path)).toBe(true);
  });
});
