import { describe, expect, test } from "bun:test";
import {
  type HostReading,
  hostChanges,
  keepSilent,
  keepUntried,
  movedHosts,
} from "../../../src/collectors/scan/host-changes.ts";
import type { PortReading } from "../../../src/collectors/scan/identify-port.ts";

function host(open: readonly PortReading[], more: Partial<HostReading> = {}): HostReading {
  return { address: "10.0.0.7", method: "TCP", open, ...more };
}
function ssh(port: number, version: string, complete = true): PortReading {
  return { port, service: { service: "ssh", product: "OpenSSH", version, complete } };
}
const http: PortReading = { port: 80, service: { service: "http", complete: true } };
const kindsOf = (before: HostReading, now: HostReading) => hostChanges(before, now).map(({ kind }) => kind);

describe("hostChanges", () => {
  test("a host that was not there before is discovered, and that is all", () => {
    expect(hostChanges(undefined, host([ssh(22, "9.2")]))).toEqual([{ kind: "device.discovered" }]);
  });

  test("nothing, when all is as it was", () => {
    const reading = host([ssh(22, "9.2"), { port: 99 }], { hardwareAddress: "02:00:00:00:00:01" });
    expect(hostChanges(reading, reading)).toEqual([]);
  });

  test("ports that opened and closed, with what they are or were", () => {
    expect(hostChanges(host([ssh(22, "9.2")]), host([http]))).toEqual([
      { kind: "port.opened", port: 80, service: "http" },
      { kind: "port.closed", port: 22, service: "ssh OpenSSH 9.2" },
    ]);
  });

  test("another version, another service, another hardware address, another address", () => {
    expect(hostChanges(host([ssh(22, "9.2")]), host([ssh(22, "9.9")]))).toEqual([
      { kind: "service.changed", port: 22, before: "ssh OpenSSH 9.2", after: "ssh OpenSSH 9.9" },
    ]);
    expect(kindsOf(host([ssh(80, "9.2")]), host([http]))).toEqual(["service.changed"]);
    expect(kindsOf(host([ssh(22, "9.2")]), host([{ port: 22, banner: "shell#" }]))).toEqual(["service.changed"]);
    const [one, two] = ["02:00:00:00:00:01", "02:00:00:00:00:02"];
    expect(kindsOf(host([], { hardwareAddress: one }), host([], { hardwareAddress: two }))).toEqual([
      "device.hardware_changed",
    ]);
    expect(kindsOf(host([], { hardwareAddress: one }), host([]))).toEqual([]);
    expect(hostChanges(host([]), host([], { address: "10.0.0.8" }))).toEqual([
      { kind: "device.moved", before: "10.0.0.7", after: "10.0.0.8" },
    ]);
  });

  test("silence is no change, nor is the first word after it, nor a word cut short", () => {
    expect(hostChanges(host([ssh(22, "9.2")]), host([{ port: 22 }]))).toEqual([]);
    expect(hostChanges(host([{ port: 22 }]), host([ssh(22, "9.2")]))).toEqual([]);
    expect(hostChanges(host([ssh(22, "9.2")]), host([ssh(22, "9.", false)]))).toEqual([]);
    expect(kindsOf(host([ssh(80, "9.", false)]), host([http]))).toEqual(["service.changed"]);
  });
});

test("keepUntried: ports that could not be tried stay, by number", () => {
  const before = host([ssh(22, "9.2"), http, { port: 443 }]);
  expect(keepUntried(host([http]), before, [22, 8080]).open.map(({ port }) => port)).toEqual([22, 80]);
  expect(keepUntried(host([http]), undefined, [22]).open).toEqual([http]);
});

test("keepSilent: a known service is not forgotten while it says nothing", () => {
  const kept = keepSilent(host([{ port: 22 }, { port: 80, banner: "?" }, { port: 99 }]), host([ssh(22, "9.2"), http]));
  expect(kept.open).toEqual([ssh(22, "9.2"), { port: 80, banner: "?" }, { port: 99 }]);
});

describe("movedHosts", () => {
  const at = (address: string, hardwareAddress?: string) => ({ address, hardwareAddress });
  const moved = (before: ReturnType<typeof at>[], now: ReturnType<typeof at>[]) => {
    const earlier = new Map(before.map((where) => [where.address, host([], where)]));
    return [...movedHosts(earlier, now)].map(([address, was]) => `${was.address} -> ${address}`);
  };
  const [one, two] = ["02:00:00:00:00:01", "02:00:00:00:00:02"];

  test("a device that is at another address", () => {
    expect(moved([at("10.0.0.1", one)], [at("10.0.0.9", one), at("10.0.0.3", two)])).toEqual(["10.0.0.1 -> 10.0.0.9"]);
    expect(movedHosts(undefined, [at("10.0.0.1", one)]).size).toBe(0);
  });

  test("none that has several addresses, or took one that was known, or is known by its address alone", () => {
    expect(moved([at("10.0.0.1", one)], [at("10.0.0.1", one), at("10.0.0.9", one)])).toEqual([]);
    expect(moved([at("10.0.0.1", one), at("10.0.0.2", one)], [at("10.0.0.9", one)])).toEqual([]);
    expect(moved([at("10.0.0.1", one), at("10.0.0.2", two)], [at("10.0.0.2", one)])).toEqual([]);
    expect(moved([at("10.0.0.1")], [at("10.0.0.9")])).toEqual([]);
  });
});
