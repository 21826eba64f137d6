import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import type { AmoskysError } from "../../src/core/errors.ts";
import { encodePublishTree, type LeafBody } from "../../src/envelope/index.ts";
import { DeviceTelemetrySchema } from "../../src/gen/universal_telemetry_pb.ts";
import { type TailOptions, tailEvents } from "../../src/tasks/events-tail.ts";
import { TcpProxy } from "../delivery/tcp-proxy.ts";
import { createTestAuthority, type IssuedCertificate, type TestAuthority } from "../support/certificates.ts";
import { flowBody, type TestAgent, TestBus } from "../support/test-bus.ts";

setDefaultTimeout(30_000);

let authority: TestAuthority;
let operator: IssuedCertificate;
let publisher: IssuedCertificate;
const closers: (() => Promise<void>)[] = [];

beforeAll(() => {
  authority = createTestAuthority();
  operator = authority.client("operator");
  publisher = authority.client("agent-1");
});
afterAll(() => authority.remove());
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(): Promise<{ bus: TestBus; agent: TestAgent; proxy: TcpProxy }> {
  const bus = await TestBus.start({}, authority);
  closers.push(() => bus.stop());
  const agent = await bus.agent("agent-1", {}, publisher);
  await bus.agent("operator", { permissions: ["subscribe", "status"], keys: [] }, operator);
  const proxy = await TcpProxy.start(() => bus.port);
  closers.push(() => proxy.stop());
  return { bus, agent, proxy };
}

async function publish(agent: TestAgent, events: number): Promise<void> {
  const group = agent.seal(events);
  const { results } = await agent.client.publishTree(encodePublishTree(group));
  expect(results.map(({ code }) => code)).toEqual(results.map(() => "stored"));
}

function tail(port: number, options: Partial<TailOptions> = {}) {
  const end = new AbortController();
  const interruptions: AmoskysError[] = [];
  const events = tailEvents({
    address: `localhost:${port}`,
    tls: { ca: authority.caPath, cert: operator.certPath, key: operator.keyPath },
    allowGroupRead: false,
    start: { at: "id", id: 0n },
    kinds: [],
    agents: [],
    signal: end.signal,
    onInterruption: (error) => interruptions.push(error),
    onReturn: () => {},
    ...options,
  });
  return { events, end, interruptions };
}

async function take(events: AsyncGenerator<{ sequence: number }>, count: number): Promise<number[]> {
  const sequences: number[] = [];
  while (sequences.length < count) {
    const { value, done } = await events.next();
    if (done) break;
    sequences.push(value.sequence);
  }
  return sequences;
}

/** Resolves when it has ended; what had arrived before may still come. */
async function drained(events: AsyncGenerator<unknown>): Promise<void> {
  while (!(await events.next()).done);
}

describe("tailEvents", () => {
  test("replays from the first record, from a later one, from a time, and goes on live", async () => {
    const { agent, proxy } = await start();
    await publish(agent, 3);
    const all = tail(proxy.port);
    expect(await take(all.events, 3)).toEqual([1, 2, 3]);
    const later = tail(proxy.port, { start: { at: "id", id: 2n } });
    expect(await take(later.events, 2)).toEqual([2, 3]);
    const since = tail(proxy.port, { start: { at: "time", sinceNs: 1n } });
    expect(await take(since.events, 1)).toEqual([1]);
    const live = all.events.next();
    await publish(agent, 2);
    expect((await live).value).toMatchObject({ id: 4, agent: "agent-1", sequence: 4, kind: "flow", trust: "verified" });
    for (const { end, events } of [all, later, since]) {
      end.abort();
      await drained(events);
    }
  });

  test("from now on leaves out what was there", async () => {
    const { agent, proxy } = await start();
    await publish(agent, 3);
    await Bun.sleep(20);
    const { events, end } = tail(proxy.port, { start: { at: "now" } });
    const first = events.next();
    await Bun.sleep(200);
    await publish(agent, 2);
    expect((await first).value).toMatchObject({ sequence: 4 });
    end.abort();
    await drained(events);
  });

  test("kinds and agents are left to the bus", async () => {
    const { bus, agent, proxy } = await start();
    const second = await bus.agent("agent-2");
    await publish(agent, 2);
    await publish(second, 2);
    const { events, end } = tail(proxy.port, { agents: ["agent-2"], kinds: ["flow"] });
    expect((await events.next()).value).toMatchObject({ agent: "agent-2", sequence: 1 });
    end.abort();
    await drained(events);
  });

  test("collectors are told apart here", async () => {
    const { agent, proxy } = await start();
    const device = (collectionAgent: string): LeafBody => ({
      kind: "device",
      payload: toBinary(DeviceTelemetrySchema, create(DeviceTelemetrySchema, { collectionAgent })),
    });
    const bodies = [device("host"), device("scan"), flowBody(3), device("host"), device("scan")];
    await agent.client.publishTree(encodePublishTree(agent.seal(bodies)));
    const scan = tail(proxy.port, { collectors: ["scan"] });
    expect(await take(scan.events, 2)).toEqual([2, 5]);
    const others = tail(proxy.port, { collectors: ["flow", "host"] });
    expect(await take(others.events, 3)).toEqual([1, 3, 4]);
    for (const { end, events } of [scan, others]) {
      end.abort();
      await drained(events);
    }
  });

  test("a connection that breaks is made again, and nothing is missed or seen twice", async () => {
    const { bus, agent, proxy } = await start();
    await publish(agent, 2);
    const { events, end, interruptions } = tail(proxy.port);
    expect(await take(events, 2)).toEqual([1, 2]);
    proxy.cut();
    await publish(agent, 2);
    expect(await take(events, 2)).toEqual([3, 4]);
    await bus.restart();
    await publish(agent, 2);
    expect(await take(events, 2)).toEqual([5, 6]);
    expect(interruptions.length).toBeGreaterThanOrEqual(2);
    end.abort();
    expect((await events.next()).done).toBe(true);
  });

  test("a stream that stood for a while is renewed without a word", async () => {
    const { agent, proxy } = await start();
    const { events, end, interruptions } = tail(proxy.port, { start: { at: "now" } });
    const first = take(events, 2);
    await Bun.sleep(1200);
    proxy.cut();
    await publish(agent, 2);
    expect(await first).toEqual([1, 2]);
    expect(interruptions).toEqual([]);
    end.abort();
    await drained(events);
  });

  test("a break before the first event does not miss what came meanwhile", async () => {
    const { agent, proxy } = await start();
    const { events, end, interruptions } = tail(proxy.port, { start: { at: "now" } });
    const first = events.next();
    await Bun.sleep(300);
    proxy.cut();
    await publish(agent, 2);
    expect((await first).value).toMatchObject({ sequence: 1 });
    expect(interruptions.length).toBe(1);
    end.abort();
    await drained(events);
  });

  test("a bus that is not there is said at once", async () => {
    const { proxy } = await start();
    proxy.isAway = true;
    const { events } = tail(proxy.port);
    await expect(events.next()).rejects.toMatchObject({ code: "unreachable" });
  });

  test("who may not subscribe is refused and does not try again", async () => {
    const { bus, proxy } = await start();
    const stranger = authority.client("stranger");
    const tls = { ca: authority.caPath, cert: stranger.certPath, key: stranger.keyPath };
    const refused = tail(proxy.port, { tls });
    await expect(refused.events.next()).rejects.toMatchObject({ code: "identity_refused" });
    expect(refused.interruptions).toEqual([]);
    expect(bus.port).toBeGreaterThan(0);
  });
});
