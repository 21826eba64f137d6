import { heapStats } from "bun:jsc";
import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { encodePublishTree } from "../../src/envelope/index.ts";
import type { SubscribeResponse } from "../../src/gen/amoskys/v1/bus_pb.ts";
import { createTestAuthority, type TestAuthority } from "../support/certificates.ts";
import { type TestAgent, TestBus, type TestBusOptions } from "../support/test-bus.ts";
import { flowEnvelope, paths } from "./envelopes.ts";
import { ManualClock } from "./manual-clock.ts";

let authority: TestAuthority;
const running: TestBus[] = [];

beforeAll(() => {
  authority = createTestAuthority();
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((bus) => bus.stop()));
});

afterAll(() => authority.remove());

async function start(options: TestBusOptions = {}) {
  const bus = await TestBus.start(options, authority);
  running.push(bus);
  const agent = await bus.agent("agent-1");
  const reader = await bus.agent("reader", { permissions: ["subscribe"] });
  const publish = async (count: number) => {
    await agent.client.publishTree(encodePublishTree(agent.seal(count)));
  };
  return { bus, agent, reader, publish };
}

type Start = Parameters<TestAgent["client"]["subscribe"]>[0];

/** Reads until there are `count` events, or until the stream ends. */
async function take(reader: TestAgent, request: Start, count: number): Promise<SubscribeResponse[]> {
  const stop = new AbortController();
  const events: SubscribeResponse[] = [];
  try {
    for await (const event of reader.client.subscribe(request, stop.signal)) {
      events.push(event);
      if (events.length === count) break;
    }
  } finally {
    stop.abort();
  }
  return events;
}

const ids = (events: readonly SubscribeResponse[]) => events.map(({ id }) => Number(id));
const behind = (id: number): Start => ({ start: { case: "afterId", value: BigInt(id) } });

/** The error that a stream ends with. */
async function endOf(stream: AsyncIterable<SubscribeResponse>): Promise<string> {
  try {
    for await (const _ of stream);
    return "ended";
  } catch (caught) {
    const { code, details } = caught as { code: string; details: { grpcStatus?: string } };
    return `${code} ${details.grpcStatus}`;
  }
}

describe("Subscribe", () => {
  test("hands out what is stored, with the exact bytes and how far it is proven", async () => {
    const { bus, agent, reader } = await start({ legacyDefault: "unsigned" });
    const group = agent.seal(2);
    await agent.client.publishTree(encodePublishTree(group));
    const alone = agent.sealOne();
    await agent.client.publishTelemetry(alone);
    const legacy = flowEnvelope({ idempotencyKey: "k", flow: {} });
    await agent.call(paths.publish, legacy);
    const events = await take(reader, behind(0), 4);
    expect(events.map(({ event }) => event)).toEqual([...group.leaves, alone, legacy].map((b) => new Uint8Array(b)));
    expect(events.map(({ trust, universal }) => `${trust} ${universal}`)).toEqual([
      "verified true",
      "verified true",
      "verified true",
      "unsigned false",
    ]);
    expect(events[0]).toMatchObject({ agent: "agent-1", kind: "flow" });
    expect(bus.bus.health().status).toBe("HEALTHY");
  });

  test("begins now, behind an id, or at a time", async () => {
    const clock = new ManualClock(Date.now());
    const { reader, publish } = await start({ clock });
    await publish(5);
    clock.advance(10_000);
    const since = clock.wallNs();
    await publish(5);
    expect(ids(await take(reader, behind(3), 7))).toEqual([4, 5, 6, 7, 8, 9, 10]);
    expect(ids(await take(reader, { start: { case: "sinceNs", value: since } }, 5))).toEqual([6, 7, 8, 9, 10]);
    expect(ids(await take(reader, { start: { case: "sinceNs", value: 0n } }, 10))).toHaveLength(10);
    const now = take(reader, { start: { case: "now", value: true } }, 3);
    await Bun.sleep(200);
    await publish(3);
    expect(ids(await now)).toEqual([11, 12, 13]);
  });

  test("begins at a time also where the clock was set back since", async () => {
    const clock = new ManualClock(Date.now());
    const { reader, publish } = await start({ clock });
    await publish(5);
    clock.advance(10_000);
    const since = clock.wallNs();
    await publish(5);
    clock.setBack(60_000);
    await publish(40);
    const events = await take(reader, { start: { case: "sinceNs", value: since } }, 45);
    expect(ids(events)).toEqual(Array.from({ length: 45 }, (_, i) => i + 6));
  });

  test("waits without leaving anything behind", async () => {
    const { bus, reader } = await start();
    const stop = new AbortController();
    const promises = () => {
      Bun.gc(true);
      return heapStats().objectTypeCounts.Promise ?? 0;
    };
    const ends = Array.from({ length: 8 }, () => endOf(reader.client.subscribe(behind(0), stop.signal)));
    await Bun.sleep(300);
    const before = promises();
    for (let i = 0; i < 200; i += 1) {
      bus.bus.trustChanged();
      await Bun.sleep(1);
    }
    const grown = promises() - before;
    stop.abort();
    await Promise.all(ends);
    expect(grown).toBeLessThan(200);
  });

  test("leaves damaged records out, counted each, logged within a rate", async () => {
    const { bus, reader, publish } = await start();
    await publish(20);
    const log = new Database(bus.logPath);
    log.run("UPDATE records SET bytes = zeroblob(length(bytes)) WHERE sequence BETWEEN 3 AND 17");
    log.close();
    expect(ids(await take(reader, behind(0), 5))).toEqual([1, 2, 18, 19, 20]);
    expect(bus.observer.counted("amoskys_bus_damaged_records_total")).toBe(15);
    const told = bus.observer.lines.filter(({ message }) => message.includes("damaged"));
    expect(told.map(({ fields }) => fields.id)).toEqual([3]);
  });

  test("leaves out other kinds and agents", async () => {
    const { bus, agent, reader, publish } = await start();
    const other = await bus.agent("agent-2");
    await publish(2);
    await other.client.publishTree(encodePublishTree(other.seal(2)));
    await agent.client.publishTelemetry(agent.sealOne({ kind: "process", payload: Uint8Array.of(8, 1) }));
    expect(ids(await take(reader, { ...behind(0), agents: ["agent-2"] }, 2))).toEqual([3, 4]);
    expect(ids(await take(reader, { ...behind(0), kinds: ["process"] }, 1))).toEqual([5]);
  });

  test("resumes without a gap, and without a repetition, while events keep coming", async () => {
    const { reader, publish } = await start();
    const total = 3000;
    const load = (async () => {
      for (let sent = 0; sent < total; sent += 100) await publish(100);
    })();
    const seen: number[] = [];
    while (seen.length < total) {
      seen.push(
        ...ids(await take(reader, behind(seen.length), Math.min(total - seen.length, 170 + (seen.length % 7)))),
      );
    }
    await load;
    expect(seen).toEqual(Array.from({ length: total }, (_, i) => i + 1));
  });

  test("a reader that does not read costs the others nothing", async () => {
    const { bus, agent, reader, publish } = await start();
    const stop = new AbortController();
    const stalled = reader.connect().subscribe(behind(0), stop.signal)[Symbol.asyncIterator]();
    const first = stalled.next();
    await publish(2);
    await first;
    const payload = new Uint8Array(60_000);
    for (let i = 0; i < 40; i += 1) {
      expect((await agent.client.publishTelemetry(agent.sealOne({ kind: "flow", payload }))).code).toBe("stored");
    }
    expect(ids(await take(reader, behind(0), 42))).toHaveLength(42);
    stop.abort();
    await stalled.return?.();
    expect(bus.bus.health().status).toBe("HEALTHY");
  });

  test("ends within two seconds when the permission is taken away, with the reason", async () => {
    const { bus, reader } = await start();
    const end = endOf(reader.client.subscribe(behind(0), new AbortController().signal));
    await Bun.sleep(100);
    const startedMs = performance.now();
    await bus.trust(reader, undefined);
    expect(await end).toBe("identity_refused PERMISSION_DENIED");
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });

  test("ends when the certificate does", async () => {
    const clock = new ManualClock(Date.now());
    const { reader } = await start({ clock });
    const end = endOf(reader.client.subscribe(behind(0), new AbortController().signal));
    await Bun.sleep(100);
    clock.advance(2 * 86_400_000);
    expect(await end).toBe("identity_refused UNAUTHENTICATED");
  });

  test("is refused without the permission, for an unknown kind, and behind an id that is not there", async () => {
    const { agent, reader, publish } = await start();
    await publish(2);
    const signal = new AbortController().signal;
    expect(await endOf(agent.client.subscribe(behind(0), signal))).toBe("identity_refused PERMISSION_DENIED");
    expect(await endOf(reader.client.subscribe({ kinds: ["flows"] }, signal))).toContain("INVALID_ARGUMENT");
    expect(await endOf(reader.client.subscribe(behind(99), signal))).toContain("OUT_OF_RANGE");
  });

  test("has room for so many, and for one name less", async () => {
    const { bus, reader, publish } = await start({ limits: { subscribersMax: 3, subscribersPerNameMax: 2 } });
    const second = await bus.agent("second", { permissions: ["subscribe"] });
    const stop = new AbortController();
    const open = (one: TestAgent) => endOf(one.client.subscribe(behind(0), stop.signal));
    const held = [open(reader), open(reader), open(second)];
    await Bun.sleep(200);
    expect(await open(reader)).toContain("RESOURCE_EXHAUSTED");
    expect(await open(second)).toContain("RESOURCE_EXHAUSTED");
    stop.abort();
    await Promise.all(held);
    await publish(2);
    expect(ids(await take(reader, behind(0), 2))).toEqual([1, 2]);
  });

  test("ends when the bus shuts down", async () => {
    const { bus, reader } = await start();
    const end = endOf(reader.client.subscribe(behind(0), new AbortController().signal));
    await Bun.sleep(100);
    await bus.bus.drain(1000);
    expect(await end).toBe("unreachable UNAVAILABLE");
  });
});
