import { afterEach, describe, expect, test } from "bun:test";
import { arpRequest } from "../../../src/collectors/scan/arp-packet.ts";
import { sweepByArp } from "../../../src/collectors/scan/arp-sweep.ts";
import { type AttachedNetwork, attachedNetworks } from "../../../src/collectors/scan/attached-networks.ts";
import { Pace } from "../../../src/collectors/scan/pace.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { eventually } from "../../support/eventually.ts";
import { createVethPair, namespaceObstacle, type VethPair } from "../../support/network-namespace.ts";

const pairs: VethPair[] = [];
afterEach(() => {
  for (const pair of pairs.splice(0)) pair.remove();
});
function openPair(): VethPair {
  const pair = createVethPair();
  pairs.push(pair);
  pair.up();
  // the kernel tells of the carrier a moment later
  for (let tries = 0; tries < 400 && pair.left.within(attachedNetworks).length === 0; tries += 1) Bun.sleepSync(5);
  return pair;
}
function sweep(
  { left }: VethPair,
  addresses: readonly string[],
  { signal = new AbortController().signal, clock = systemClock } = {},
) {
  let asked = 0;
  const pace = new Pace(1000, systemClock);
  const onAsked = () => {
    asked += 1;
  };
  return left.within(() => {
    const [network] = attachedNetworks() as [AttachedNetwork];
    const answers = sweepByArp({ network, addresses, pace, clock, signal, onAsked });
    const found = answers.then(({ hosts }) => hosts);
    return { network, found, answers, asked: () => asked };
  });
}
/** A reply that says that `address` is at `sender`, to `network`'s own hardware address. */
function reply(network: AttachedNetwork, sender: string, address: number): Uint8Array {
  const frame = arpRequest(sender, address, Number(network.own));
  frame[21] = 2;
  const own = network.hardwareAddress.split(":").map((part) => Number.parseInt(part, 16));
  frame.set(own, 0);
  frame.set(own, 32);
  return frame;
}

describe.skipIf(namespaceObstacle() !== undefined)("sweepByArp", () => {
  test("who is there answers with its hardware address; who is not is asked twice", async () => {
    const pair = openPair();
    const hardwareAddress = pair.right.read("cat", "/sys/class/net/veth0/address").trim();
    const { found, asked } = sweep(pair, ["10.99.0.2", "10.99.0.3"]);
    expect([...(await found)]).toEqual([["10.99.0.2", hardwareAddress]]);
    expect(asked()).toBe(3);
  });

  test("of two that claim an address the first counts; what was not asked for does not", async () => {
    const pair = openPair();
    const { network, found } = sweep(pair, ["10.99.0.5"]);
    const [first, second] = ["02:00:00:00:00:0a", "02:00:00:00:00:0b"];
    const frames = [reply(network, first, 0x0a630007), reply(network, first, 0x0a630005)];
    pair.right.sendFrames("veth0", [...frames, reply(network, second, 0x0a630005)]);
    expect([...(await found)]).toEqual([["10.99.0.5", first]]);
  });

  test("a flood of answers that nobody asked for leaves time for the rest", async () => {
    const pair = openPair();
    const { network, found } = sweep(pair, ["10.99.0.2", "10.99.0.3"]);
    const frame = reply(network, "02:00:00:00:00:0a", 0x0a6300c8);
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
      pair.right.sendFrames(
        "veth0",
        Array.from({ length: 500 }, () => frame),
      );
    }, 10);
    expect([...(await found).keys()]).toEqual(["10.99.0.2"]);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(10);
  });

  test("answers that found no room are counted", async () => {
    const pair = openPair();
    const { network, answers } = sweep(pair, ["10.99.0.2", "10.99.0.3"]);
    const frame = reply(network, "02:00:00:00:00:0a", 0x0a6300c8);
    const flood = Array.from({ length: 5000 }, () => frame);
    pair.right.sendFrames("veth0", flood);
    expect((await answers).drops).toBeGreaterThan(1000);
    expect((await sweep(pair, ["10.99.0.2"]).answers).drops).toBe(0);
  });

  test("a link that takes no frames is an error, not silence", async () => {
    const pair = openPair();
    const { found } = sweep(
      pair,
      Array.from({ length: 100 }, (_, n) => `10.99.0.${n + 3}`),
    );
    pair.silence();
    expect(found).rejects.toThrow('"veth0" takes no frames');
    await found.catch(() => {});
  });

  test("an abort ends it, while it asks and while it waits", async () => {
    const many = Array.from({ length: 200 }, (_, n) => `10.99.0.${n + 3}`);
    const asking = new AbortController();
    const first = sweep(openPair(), many, { signal: asking.signal });
    asking.abort();
    expect((await first.found).size).toBe(0);
    expect(first.asked()).toBeLessThanOrEqual(1);
    // by this clock the wait ends after 500 looks
    let looks = 0;
    const clock = { ...systemClock, monotonicMs: () => ++looks };
    const waiting = new AbortController();
    const second = sweep(openPair(), ["10.99.0.3"], { signal: waiting.signal, clock });
    await eventually("the question was asked", () => second.asked() === 1);
    waiting.abort();
    expect((await second.found).size).toBe(0);
    expect(second.asked()).toBe(1);
    expect(looks).toBeLessThan(100);
  });
});
