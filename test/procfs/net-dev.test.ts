import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { parseNetDev } from "../../src/procfs/index.ts";

describe("parseNetDev", () => {
  test("names may touch their numbers; headings and halves are left out; counters are exact", () => {
    const text = [
      "Inter-|   Receive                                                |  Transmit",
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop",
      "eth0:18446744073709551615 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
      "  half: 1 2 3",
      "  bad: 1 2 3 x 5 6 7 8 9 10 11 12 13 14 15 16",
    ].join("\n");
    const [eth0, ...others] = parseNetDev(text);
    expect(others).toEqual([]);
    expect(eth0?.name).toBe("eth0");
    expect(eth0?.counters).toMatchObject({
      bytesIn: 18_446_744_073_709_551_615n,
      packetsIn: 2n,
      errorsIn: 3n,
      dropsIn: 4n,
      bytesOut: 9n,
      packetsOut: 10n,
      errorsOut: 11n,
      dropsOut: 12n,
      compressedOut: 16n,
    });
  });

  test("this system's interfaces have the counters that /sys has", () => {
    const sys = (name: string, counter: string) =>
      BigInt(readFileSync(`/sys/class/net/${name}/statistics/${counter}`, "latin1").trim());
    const known = parseNetDev(readFileSync("/proc/net/dev", "utf8")).filter(({ name }) =>
      existsSync(`/sys/class/net/${name}/statistics`),
    );
    expect(known.length).toBeGreaterThan(0);
    for (const { name, counters } of known) {
      const before = parseNetDev(readFileSync("/proc/net/dev", "utf8")).find((one) => one.name === name)?.counters;
      const then = { bytesIn: sys(name, "rx_bytes"), packetsOut: sys(name, "tx_packets") };
      const after = parseNetDev(readFileSync("/proc/net/dev", "utf8")).find((one) => one.name === name)?.counters;
      expect(then.bytesIn >= (before?.bytesIn ?? 0n) && then.bytesIn <= (after?.bytesIn ?? 0n)).toBe(true);
      expect(then.packetsOut >= counters.packetsOut && then.packetsOut <= (after?.packetsOut ?? 0n)).toBe(true);
    }
  });
});
