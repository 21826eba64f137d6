import { describe, expect, test } from "bun:test";
import type { HostReading } from "../../../src/collectors/scan/host-changes.ts";
import { goneHostsMax, KnownHosts } from "../../../src/collectors/scan/known-hosts.ts";

const [a, b] = ["02:00:00:00:00:0a", "02:00:00:00:00:0b"];
const dayMs = 24 * 3600 * 1000;

function host(address: string, hardwareAddress?: string): HostReading {
  return { address, hardwareAddress, method: hardwareAddress === undefined ? "TCP" : "ARP", open: [] };
}
/** Takes one scan; what of each host was known, and what has gone. */
function scan(known: KnownHosts, hosts: readonly HostReading[], nowMs = 0) {
  const recalled = known.recall(hosts);
  const gone = known.replace(new Map(hosts.map((one) => [one.address, one])), recalled, nowMs);
  const was = [...recalled].map(
    ([at, one]) => `${at} was ${one.address}${one.goneMs === undefined ? "" : ` until ${one.goneMs}`}`,
  );
  return { was, gone: gone.map(({ address }) => address) };
}
function scanned(...scans: HostReading[][]): KnownHosts {
  const known = new KnownHosts();
  for (const [n, hosts] of scans.entries()) scan(known, hosts, n);
  return known;
}

describe("KnownHosts", () => {
  test("knows nothing before a first scan, then what it saw", () => {
    const known = new KnownHosts();
    expect(known.record).toBeUndefined();
    expect(scan(known, [host("10.0.0.1", a)])).toEqual({ was: [], gone: [] });
    expect(scan(known, [host("10.0.0.1", a), host("10.0.0.2")])).toEqual({ was: ["10.0.0.1 was 10.0.0.1"], gone: [] });
    expect(known.record?.hosts.map(({ address }) => address)).toEqual(["10.0.0.1", "10.0.0.2"]);
  });

  test("a host that a scan missed has gone once, and is known again", () => {
    const known = scanned([host("10.0.0.1", a), host("10.0.0.2")]);
    expect(scan(known, [], 7)).toEqual({ was: [], gone: ["10.0.0.1", "10.0.0.2"] });
    expect(scan(known, [], 8)).toEqual({ was: [], gone: [] });
    const both = [host("10.0.0.1", a), host("10.0.0.2")];
    expect(scan(known, both, 9).was).toEqual(["10.0.0.1 was 10.0.0.1 until 7", "10.0.0.2 was 10.0.0.2 until 7"]);
    expect(known.record?.gone).toEqual([]);
    expect(scan(known, both, 10).was).toEqual(["10.0.0.1 was 10.0.0.1", "10.0.0.2 was 10.0.0.2"]);
  });

  test("by its hardware address also at another address, and not where another device is now", () => {
    const known = scanned([host("10.0.0.1", a)], []);
    expect(scan(known, [host("10.0.0.1", b)]).was).toEqual([]);
    expect(scan(known, [host("10.0.0.1", b), host("10.0.0.9", a)]).was).toEqual([
      "10.0.0.1 was 10.0.0.1",
      "10.0.0.9 was 10.0.0.1 until 1",
    ]);
    expect(known.record?.gone).toEqual([]);
  });

  test("by its address alone while ARP, now or then, does not tell which device it is", () => {
    expect(scan(scanned([host("10.0.0.1", a)], []), [host("10.0.0.1")]).was).toEqual(["10.0.0.1 was 10.0.0.1 until 1"]);
    expect(scan(scanned([host("10.0.0.1")], []), [host("10.0.0.1", a)]).was).toEqual(["10.0.0.1 was 10.0.0.1 until 1"]);
  });

  test("a device that moved has not gone, and leaves nothing behind", () => {
    const known = scanned([host("10.0.0.1", a)]);
    expect(scan(known, [host("10.0.0.9", a)])).toEqual({ was: ["10.0.0.9 was 10.0.0.1"], gone: [] });
    expect(known.record?.gone).toEqual([]);
  });

  test("one address of several that is missed is no device that went, and is known again", () => {
    const known = scanned([host("10.0.0.1", a), host("10.0.0.2", a)]);
    expect(scan(known, [host("10.0.0.1", a)], 5).gone).toEqual([]);
    expect(scan(known, [host("10.0.0.1", a), host("10.0.0.2", a)]).was).toContain("10.0.0.2 was 10.0.0.2 until 5");
  });

  test("a host whose silence says nothing stays as it was, unless it was found elsewhere", () => {
    const known = scanned([host("10.0.0.1", a), host("10.0.0.2"), host("10.0.0.3", b)]);
    const now = host("10.0.0.9", a);
    const isUnheard = ({ address }: HostReading) => address !== "10.0.0.3";
    const gone = known.replace(new Map([[now.address, now]]), known.recall([now]), 1, isUnheard);
    expect(gone.map(({ address }) => address)).toEqual(["10.0.0.3"]);
    expect(known.record?.hosts.map(({ address }) => address)).toEqual(["10.0.0.9", "10.0.0.2"]);
  });

  test("is not known for longer than 30 days, nor beyond 65,536", () => {
    const known = scanned([host("10.0.0.1")]);
    scan(known, [], 1000);
    scan(known, [], 1000 + 30 * dayMs - 1);
    expect(known.record?.gone).toHaveLength(1);
    scan(known, [], 1000 + 30 * dayMs);
    expect(known.record?.gone).toEqual([]);
    const many = Array.from({ length: goneHostsMax + 2 }, (_, n) => host(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`));
    const full = scanned(many, []);
    expect(full.record?.gone).toHaveLength(goneHostsMax);
    expect(full.record?.gone[0]?.address).toBe("10.0.0.2");
  });

  test("a run takes over what the one before it knew", () => {
    const next = new KnownHosts();
    next.restore(scanned([host("10.0.0.1", a), host("10.0.0.2")], [host("10.0.0.2")]).record as never);
    expect(scan(next, [host("10.0.0.1", a)])).toEqual({ was: ["10.0.0.1 was 10.0.0.1 until 1"], gone: ["10.0.0.2"] });
  });
});
