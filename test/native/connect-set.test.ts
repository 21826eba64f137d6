import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { type ConnectOutcome, ConnectSet } from "../../src/native/index.ts";
import { NetworkNamespace, namespaceObstacle } from "../support/network-namespace.ts";

const sets: ConnectSet[] = [];
afterEach(() => {
  for (const set of sets.splice(0)) set.close();
});
function open(): ConnectSet {
  const set = new ConnectSet();
  sets.push(set);
  return set;
}

/** What comes of one attempt within a time; `nothing` where it is still under way. */
async function outcomeOf(
  set: ConnectSet,
  begun: number | string,
  withinMs = 1000,
): Promise<ConnectOutcome | "nothing"> {
  if (typeof begun === "string") return `at once: ${begun}`;
  const endMs = performance.now() + withinMs;
  let outcome: ConnectOutcome | "nothing" = "nothing";
  while (outcome === "nothing" && performance.now() < endMs) {
    set.take((attempt, what) => {
      if (attempt === begun) outcome = what;
    });
    await Bun.sleep(5);
  }
  return outcome;
}
const descriptors = () => readdirSync("/proc/self/fd").length;
const loopback = Uint8Array.of(127, 0, 0, 1);

describe("ConnectSet on loopback", () => {
  test("what listens is connected, by IPv4 and IPv6; what does not refuses; no descriptor stays", async () => {
    const listeners = ["127.0.0.1", "::1"].map((hostname) => Bun.listen({ hostname, port: 0, socket: { data() {} } }));
    const ports = listeners.map(({ port }) => port) as [number, number];
    const set = open();
    const before = descriptors();
    const [v4, v6] = [loopback, Uint8Array.from([...new Uint8Array(15), 1])];
    expect(await outcomeOf(set, set.begin(v4, ports[0]))).toBeUndefined();
    expect(await outcomeOf(set, set.begin(v6, ports[1]))).toBeUndefined();
    for (const listener of listeners) listener.stop(true);
    await Bun.sleep(20);
    expect(await outcomeOf(set, set.begin(v4, ports[0]))).toMatch(/^(at once: )?ECONNREFUSED$/);
    expect(descriptors()).toBeLessThanOrEqual(before);
  });

  test("a closed set ends what is under way, and tells nobody", () => {
    const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const before = descriptors();
    const set = new ConnectSet();
    for (let n = 0; n < 300; n += 1) set.begin(loopback, listener.port);
    set.close();
    set.close();
    let told = 0;
    set.take(() => {
      told += 1;
    });
    listener.stop(true);
    expect([told, descriptors() <= before]).toEqual([0, true]);
  });

  test("a closed set begins nothing, also where its descriptor is another's by now", () => {
    const closed = new ConnectSet();
    closed.close();
    const other = open();
    const before = descriptors();
    expect(closed.begin(loopback, 9)).toBe("EBADF");
    expect(descriptors()).toBe(before);
    let told = 0;
    other.take(() => {
      told += 1;
    });
    expect(told).toBe(0);
  });

  test("more than one look takes all that have ended", () => {
    const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const set = open();
    for (let n = 0; n < 400; n += 1) set.begin(loopback, listener.port);
    let told = 0;
    set.take(() => {
      told += 1;
    });
    listener.stop(true);
    expect(told).toBe(400);
  });
});

const obstacle = namespaceObstacle();
describe.skipIf(obstacle !== undefined)("ConnectSet in a network of its own", () => {
  let space: NetworkNamespace;
  beforeAll(() => {
    space = new NetworkNamespace();
    space.ip("link", "set", "lo", "up");
    space.ip("link", "add", "br0", "type", "bridge");
    space.ip("link", "add", "port", "type", "veth", "peer", "name", "other");
    for (const words of [
      ["port", "master", "br0", "up"],
      ["other", "up"],
      ["br0", "up"],
    ]) {
      space.ip("link", "set", ...words);
    }
    space.ip("address", "add", "10.77.0.1/24", "dev", "br0");
    // the kernel asks for a neighbour three times before it gives up
    space.read("sh", "-c", "echo 100 > /proc/sys/net/ipv4/neigh/br0/retrans_time_ms");
    space.ip("neigh", "add", "10.77.0.9", "lladdr", "02:00:00:00:00:09", "dev", "br0");
    space.ip("route", "add", "prohibit", "10.80.0.0/24");
  });
  afterAll(() => space?.remove());

  test("no route, a broadcast address, a refusal of a route, nobody there: each by its own name", async () => {
    const set = open();
    const begin = (...address: number[]) => space.within(() => set.begin(Uint8Array.from(address), 80));
    expect(begin(10, 79, 0, 1)).toBe("ENETUNREACH");
    expect(begin(10, 77, 0, 255)).toMatch(/^(ENETUNREACH|EACCES)$/);
    expect(begin(10, 80, 0, 1)).toBe("EACCES");
    // nobody answers ARP: the kernel gives up after three questions
    expect(await outcomeOf(set, begin(10, 77, 0, 10), 5000)).toBe("EHOSTUNREACH");
  }, 10_000);

  test("what never answers stays under way until it is abandoned", async () => {
    const set = open();
    const before = descriptors();
    const begun = space.within(() => set.begin(Uint8Array.of(10, 77, 0, 9), 80));
    expect(await outcomeOf(set, begun, 200)).toBe("nothing");
    expect(descriptors()).toBe(before + 1);
    set.abandon(begun as number);
    expect(descriptors()).toBe(before);
  });
});
