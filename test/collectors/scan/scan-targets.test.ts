import { describe, expect, test } from "bun:test";
import type { AttachedNetwork } from "../../../src/collectors/scan/attached-networks.ts";
import { parseTarget } from "../../../src/collectors/scan/parse-target.ts";
import { shareOut } from "../../../src/collectors/scan/scan-targets.ts";
import { addressNumber, type IpRange } from "../../../src/core/ip-range.ts";

function network(name: string, own: string, first: string, last: string): AttachedNetwork {
  const hardwareAddress = "02:00:00:00:00:01";
  return {
    interface: name,
    hardwareAddress,
    own: addressNumber(own),
    first: addressNumber(first),
    last: addressNumber(last),
  };
}
const office = network("eth0", "10.0.0.1", "10.0.0.0", "10.0.0.7");

async function shared(targets: readonly string[], networks: readonly AttachedNetwork[] = [office]) {
  const { byArp, byTcp } = await shareOut(
    targets.map((text) => parseTarget(text) as IpRange),
    networks,
  );
  const arp = [...byArp].flatMap(([{ interface: name }, addresses]) =>
    addresses.map((address) => `${name} ${address}`),
  );
  return { arp, tcp: byTcp.map(({ address, certain }) => `${address}${certain ? "!" : ""}`) };
}

describe("shareOut", () => {
  test("this host's networks by ARP, but itself; what is beyond them by TCP; named addresses for certain", async () => {
    expect(await shared(["10.0.0.0/30", "10.0.1.0/30", "10.0.2.9"])).toEqual({
      arp: ["eth0 10.0.0.2"],
      tcp: ["10.0.0.1!", "10.0.1.1", "10.0.1.2", "10.0.2.9!"],
    });
  });

  test("a network's own and its broadcast address are nobody's, also inside of a larger target", async () => {
    const { arp, tcp } = await shared(["10.0.0.0/28"]);
    expect(arp).toEqual(["2", "3", "4", "5", "6"].map((n) => `eth0 10.0.0.${n}`));
    expect(tcp).toEqual(["10.0.0.1!", ...[8, 9, 10, 11, 12, 13, 14].map((n) => `10.0.0.${n}`)]);
    expect(await shared(["10.0.0.7"])).toEqual({ arp: [], tcp: [] });
  });

  test("a network of two addresses has neither (RFC 3021)", async () => {
    const pair = network("eth1", "10.9.0.0", "10.9.0.0", "10.9.0.1");
    expect(await shared(["10.9.0.0/31"], [pair])).toEqual({ arp: ["eth1 10.9.0.1"], tcp: ["10.9.0.0!"] });
  });

  test("each address once, however often it is named", async () => {
    expect(
      await shared(["10.0.0.2", "10.0.0.0/30", "10.0.1.1", "10.0.1.0/30", "10.0.1.2", "fd00::1", "fd00::1"]),
    ).toEqual({
      arp: ["eth0 10.0.0.2"],
      tcp: ["10.0.0.1!", "10.0.1.1!", "10.0.1.2!", "fd00::1!"],
    });
  });

  test("many addresses keep nothing else of this thread waiting", async () => {
    const wide = network("eth0", "10.1.0.1", "10.1.0.0", "10.1.255.255");
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    const { arp, tcp } = await shared(["10.1.0.0/16", "10.2.0.0/16"], [wide]);
    clearInterval(timer);
    expect([arp.length, tcp.length]).toEqual([65_533, 1 + 65_534]);
    expect(turns).toBeGreaterThan(5);
  });
});
