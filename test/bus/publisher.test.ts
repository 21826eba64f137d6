import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { AmoskysError } from "../../src/core/errors.ts";
import { encodePublishTree } from "../../src/envelope/index.ts";
import type { UniversalAck } from "../../src/gen/universal_telemetry_pb.ts";
import type { LogWriter } from "../../src/wal/index.ts";
import { createTestAuthority, type TestAuthority } from "../support/certificates.ts";
import { type TestAgent, TestBus, type TestBusOptions } from "../support/test-bus.ts";
import { flowEnvelope, legacyEnvelope, paths, publishAck, sealedEnvelope, universalAck } from "./envelopes.ts";
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

async function start(options: TestBusOptions = {}): Promise<TestBus> {
  const bus = await TestBus.start(options, authority);
  running.push(bus);
  return bus;
}

async function telemetry(agent: TestAgent, bytes: Uint8Array): Promise<UniversalAck> {
  return universalAck(await agent.call(paths.telemetry, bytes));
}

/** Holds appends back until they are let go or made to fail. */
function holdingLog() {
  const held: { go: () => void; fail: (error: AmoskysError) => void }[] = [];
  const holding = { on: true };
  const wrapLog = (log: LogWriter): LogWriter => ({
    path: log.path,
    recovery: log.recovery,
    opened: log.opened,
    setMeta: (key, value) => log.setMeta(key, value),
    prune: () => log.prune(),
    compact: (untilNs) => log.compact(untilNs),
    stats: () => log.stats(),
    checkpoint: () => log.checkpoint(),
    close: () => log.close(),
    async append(batch) {
      if (holding.on) {
        await new Promise<void>((go, fail) => held.push({ go, fail }));
      }
      return log.append(batch);
    },
  });
  return { held, holding, wrapLog };
}

async function until(what: () => boolean): Promise<void> {
  const endMs = Date.now() + 5000;
  while (!what()) {
    if (Date.now() > endMs) throw new Error("it did not come to that");
    await Bun.sleep(2);
  }
}

describe("an event is acknowledged", () => {
  test("only once the log has it", async () => {
    const { held, wrapLog } = holdingLog();
    const bus = await start({ wrapLog });
    const agent = await bus.agent("agent-1");
    let answered = false;
    const call = telemetry(agent, agent.sealOne()).then((ack) => {
      answered = true;
      return ack;
    });
    await until(() => held.length === 1);
    await Bun.sleep(100);
    expect(answered).toBe(false);
    expect(bus.stored(agent)).toEqual([]);
    held[0]?.go();
    expect(await call).toMatchObject({ code: "stored" });
    expect(bus.stored(agent)).toEqual([1]);
  });

  test("and what was answered RETRY is stored exactly once when it comes again", async () => {
    const { held, holding, wrapLog } = holdingLog();
    const clock = new ManualClock(Date.now());
    const bus = await start({ wrapLog, clock, legacyDefault: "unsigned" });
    const agent = await bus.agent("agent-1");
    const sealed = agent.sealOne();
    const key = randomUUID();
    const legacy = flowEnvelope({ idempotencyKey: key, flow: { srcIp: "1.1.1.1" } });
    const first = telemetry(agent, sealed);
    await until(() => held.length === 1);
    const second = agent.call(paths.publish, legacy);
    await until(() => bus.bus.health().inflight === 2);
    await Bun.sleep(50);
    held[0]?.fail(new AmoskysError("disk_full", "The disk is full"));
    expect(await first).toMatchObject({ status: 1, code: "disk_low" });
    expect(publishAck(await second)).toMatchObject({ status: 1, code: "disk_low" });
    expect(bus.stored(agent)).toEqual([]);
    holding.on = false;
    const [again, legacyAgain] = [
      () => telemetry(agent, sealed),
      async () => publishAck(await agent.call(paths.publish, legacy)),
    ];
    // a full disk is not met again by every call: for a second nothing is tried
    expect(await again()).toMatchObject({ status: 1, code: "disk_low" });
    expect(bus.stored(agent)).toEqual([]);
    clock.advance(1000);
    expect(await again()).toMatchObject({ code: "stored" });
    expect(await legacyAgain()).toMatchObject({ code: "stored" });
    expect(await again()).toMatchObject({ code: "duplicate" });
    expect(await legacyAgain()).toMatchObject({ code: "duplicate" });
    expect(bus.stored(agent)).toEqual([1, key]);
  });

  test("as a duplicate after a restart too", async () => {
    const bus = await start();
    const agent = await bus.agent("agent-1");
    const alone = agent.sealOne();
    const tree = encodePublishTree(agent.seal(5));
    await telemetry(agent, alone);
    await agent.client.publishTree(tree);
    await bus.restart();
    expect(await telemetry(agent, alone)).toMatchObject({ code: "duplicate" });
    const { results } = await agent.client.publishTree(tree);
    expect(results.map(({ code }) => code)).toEqual(Array(5).fill("duplicate"));
    expect(await telemetry(agent, sealedEnvelope(agent, 1))).toMatchObject({ code: "conflict" });
    expect(await telemetry(agent, agent.sealOne())).toMatchObject({ code: "stored" });
    expect(bus.stored(agent)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });
});

describe("events wait", () => {
  test("for an overload to pass, with a hint", async () => {
    const { held, wrapLog } = holdingLog();
    const bus = await start({ wrapLog, limits: { maxInflight: 1, hardMax: 2 }, legacyDefault: "unsigned" });
    const agent = await bus.agent("agent-1");
    const calls = [telemetry(agent, agent.sealOne())];
    await until(() => held.length === 1);
    calls.push(telemetry(agent, agent.sealOne()));
    await until(() => bus.bus.health().inflight === 2);
    const third = agent.sealOne();
    const refused = await telemetry(agent, third);
    expect(refused).toMatchObject({ status: 3, code: "overload", currentLoad: 1, queueDepth: 2 });
    expect(refused.backoffHintMs).toBeGreaterThan(0);
    const legacy = flowEnvelope({ idempotencyKey: randomUUID(), flow: {} });
    const first = publishAck(await agent.call(paths.publish, legacy));
    expect(first).toMatchObject({ status: 1, code: "overload", reason: expect.stringContaining("overload") });
    held[0]?.go();
    await until(() => held.length === 2);
    held[1]?.go();
    // the last one in flight is above max_inflight no more, the one before it was
    const acks = await Promise.all(calls);
    expect(acks.map(({ code }) => code)).toEqual(["stored", "stored"]);
    expect(Math.max(...acks.map(({ backoffHintMs }) => backoffHintMs))).toBeGreaterThan(0);
  });

  test("while overload mode is on", async () => {
    const bus = await start({ overload: "on" });
    const agent = await bus.agent("agent-1");
    const bytes = agent.sealOne();
    expect(await telemetry(agent, bytes)).toMatchObject({ status: 3, code: "overload" });
    bus.bus.setOverload("auto");
    expect(await telemetry(agent, bytes)).toMatchObject({ code: "stored" });
  });

  test("above the rate of the trust entry, before a signature is looked at", async () => {
    const clock = new ManualClock(Date.now());
    const bus = await start({ clock });
    const slow = await bus.agent("slow", { rateLimit: 2 });
    const other = await bus.agent("other");
    const codes: string[] = [];
    for (let i = 0; i < 5; i += 1) codes.push((await telemetry(slow, slow.sealOne())).code);
    expect(codes).toEqual(["stored", "stored", "stored", "stored", "rate_limited"]);
    const forged = await telemetry(slow, sealedEnvelope(slow, 99, {}, other.signer));
    expect(forged).toMatchObject({ status: 4, code: "rate_limited" });
    expect(await telemetry(other, other.sealOne())).toMatchObject({ code: "stored" });
    clock.advance(forged.backoffHintMs);
    expect(await telemetry(slow, sealedEnvelope(slow, 5))).toMatchObject({ code: "stored" });
  });

  test("while the disk is low, and no longer", async () => {
    const clock = new ManualClock(Date.now());
    const disk = { free: 999 };
    const bus = await start({ clock, freeBytes: () => disk.free, limits: { diskLowBytes: 1000 } });
    const agent = await bus.agent("agent-1");
    const bytes = agent.sealOne();
    expect(await telemetry(agent, bytes)).toMatchObject({ status: 1, code: "disk_low" });
    expect(bus.bus.health()).toMatchObject({ status: "UNHEALTHY", ready: false });
    disk.free = 1e9;
    clock.advance(1000);
    expect(await telemetry(agent, bytes)).toMatchObject({ code: "stored" });
    expect(bus.bus.health()).toMatchObject({ ready: true });
  });

  test("while the bus shuts down; what is in flight is answered", async () => {
    const { held, holding, wrapLog } = holdingLog();
    const bus = await start({ wrapLog });
    const agent = await bus.agent("agent-1");
    const inFlight = telemetry(agent, agent.sealOne());
    await until(() => held.length === 1);
    const early = telemetry(agent, sealedEnvelope(agent, 9));
    await until(() => bus.bus.health().inflight === 2);
    const drained = bus.bus.drain(5000);
    expect(await telemetry(agent, agent.sealOne())).toMatchObject({ status: 1, code: "draining" });
    holding.on = false;
    held[0]?.go();
    expect(await inFlight).toMatchObject({ code: "stored" });
    expect(await early).toMatchObject({ status: 1, code: "draining" });
    await drained;
  });

  test("once the log failed: nothing is acknowledged any more", async () => {
    const { held, holding, wrapLog } = holdingLog();
    const bus = await start({ wrapLog });
    const agent = await bus.agent("agent-1");
    const bytes = agent.sealOne();
    const call = telemetry(agent, bytes);
    await until(() => held.length === 1);
    held[0]?.fail(new AmoskysError("log_io", "fdatasync failed"));
    expect(await call).toMatchObject({ status: 5, code: "internal" });
    holding.on = false;
    expect(await telemetry(agent, bytes)).toMatchObject({ status: 5, code: "internal" });
    expect((await bus.bus.failed).code).toBe("log_io");
    expect(bus.bus.health()).toMatchObject({ status: "UNHEALTHY", ready: false, state: "error" });
    expect(bus.stored(agent)).toEqual([]);
  });
});

describe("an identity is refused", () => {
  /** What both generations of agents are told. */
  async function told(agent: TestAgent) {
    const ack = await telemetry(agent, agent.sealOne());
    const tree = await agent.client.publishTree(encodePublishTree(agent.seal(2)));
    const flow = flowEnvelope({ idempotencyKey: "k", flow: {} }, agent.signer);
    const legacy = legacyEnvelope({ idempotencyKey: "k", flow: {} }, agent.signer);
    const [first, second] = [await agent.call(paths.publish, flow), await agent.call(paths.telemetry, legacy)];
    expect(second.status).toBe(first.status);
    expect(new Set(tree.results.map(({ code }) => code))).toEqual(new Set([ack.code]));
    expect(ack.status).toBe(6);
    return `${ack.code} ${first.status}`;
  }

  test("that the trust map does not have, has revoked, or does not let publish", async () => {
    const bus = await start({ legacyDefault: "signed" });
    expect(await told(bus.stranger("stranger"))).toBe("unknown_agent 7");
    expect(await told(await bus.agent("revoked", { revokedAt: "2020-01-01T00:00:00Z" }))).toBe("revoked 16");
    expect(await told(await bus.agent("reader", { permissions: ["subscribe"] }))).toBe("not_permitted 7");
    expect(await told(await bus.agent("keyless", { keys: [], legacy: "unsigned" }))).toBe("unknown_key 16");
    expect(bus.observer.counted("amoskys_bus_authentication_failures_total", "unknown_agent")).toBe(4);
  });

  test("whose certificate has two names", async () => {
    const bus = await start({ legacyDefault: "signed" });
    await bus.agent("agent-1");
    const certificate = authority.issue({ subject: "/CN=agent-1/CN=agent-2" });
    const agent = bus.stranger("agent-1", certificate);
    const flow = flowEnvelope({ idempotencyKey: "k", flow: {} }, agent.signer);
    expect((await agent.call(paths.publish, flow)).status).toBe(16);
    expect((await agent.call(paths.telemetry, agent.sealOne())).status).toBe(16);
    expect((await agent.call(paths.tree, encodePublishTree(agent.seal(2)))).status).toBe(16);
  });

  test("at the call at which its certificate has ended, on a connection that is open", async () => {
    const clock = new ManualClock(Date.now());
    const bus = await start({ clock, legacyDefault: "signed" });
    const agent = await bus.agent("agent-1");
    expect(await telemetry(agent, agent.sealOne())).toMatchObject({ code: "stored" });
    clock.advance(2 * 86_400_000);
    expect(await told(agent)).toBe("expired 16");
  });

  test("within two seconds of leaving the trust map, and taken again when it comes back", async () => {
    const bus = await start({ legacyDefault: "signed" });
    const agent = await bus.agent("agent-1");
    expect(await telemetry(agent, agent.sealOne())).toMatchObject({ code: "stored" });
    const startedMs = performance.now();
    await bus.trust(agent, undefined);
    expect(await told(agent)).toBe("unknown_agent 7");
    expect(performance.now() - startedMs).toBeLessThan(2000);
    await bus.trust(agent, {});
    expect(await telemetry(agent, sealedEnvelope(agent, 2))).toMatchObject({ code: "stored" });
    // the key is another one: what the old one signs is nobody's
    const other = bus.stranger("agent-2");
    await bus.trust(agent, { keys: [other.signer] });
    expect(await telemetry(agent, sealedEnvelope(agent, 3))).toMatchObject({ code: "bad_signature" });
    expect(await telemetry(agent, sealedEnvelope(agent, 3, {}, other.signer))).toMatchObject({ code: "stored" });
  });

  test("before its request is taken apart", async () => {
    const bus = await start();
    const stranger = bus.stranger("stranger");
    expect(await stranger.call(paths.tree, Uint8Array.of(1, 2, 3))).toMatchObject({ status: 7 });
  });
});

test("a call that is given up frees what waited early", async () => {
  const bus = await start({ limits: { earlyWaitMs: 60_000 } });
  const agent = await bus.agent("agent-1");
  const client = agent.connect();
  const gaveUp = new AbortController();
  const call = client.publishTelemetry(sealedEnvelope(agent, 5), gaveUp.signal).catch((error) => error.code);
  await until(() => bus.bus.health().inflight === 1);
  gaveUp.abort();
  expect(await call).toBe("interrupted");
  await until(() => bus.bus.health().inflight === 0);
  expect(await telemetry(agent, sealedEnvelope(agent, 1))).toMatchObject({ code: "stored" });
});
