import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { systemClock } from "../../src/core/clock.ts";
import { auditFigures } from "../../src/delivery/index.ts";
import { encodePublishEnvelopes } from "../../src/envelope/index.ts";
import { createTestAuthority, type IssuedCertificate, type TestAuthority } from "../support/certificates.ts";
import { flowBody, type TestAgent, TestBus, type TestBusOptions } from "../support/test-bus.ts";
import { type AgentBench, type BenchOptions, flowEvent, numberOf, startAgentBench, until } from "./agent-bench.ts";
import { TcpProxy } from "./tcp-proxy.ts";
import { createTestClock, type TestClock } from "./test-clock.ts";

setDefaultTimeout(30_000);

interface World {
  readonly bus: TestBus;
  readonly identity: TestAgent;
  readonly proxy: TcpProxy;
  readonly agent: AgentBench;
}

const worlds: World[] = [];
let authority: TestAuthority;
let certificate: IssuedCertificate;

beforeAll(() => {
  authority = createTestAuthority();
  certificate = authority.client("agent-1");
});

afterAll(() => authority.remove());

afterEach(async () => {
  for (const { bus, proxy, agent } of worlds.splice(0)) {
    await agent.close();
    await proxy.stop();
    await bus.stop();
  }
});

async function start(options: BenchOptions & { bus?: TestBusOptions } = {}): Promise<World> {
  const bus = await TestBus.start(options.bus, authority);
  const identity = await bus.agent("agent-1", {}, certificate);
  const proxy = await TcpProxy.start(() => bus.port);
  const outbox = { signer: identity.signer, ...options.outbox };
  const agent = await startAgentBench(proxy.port, identity.certificate, { ...options, outbox });
  const world = { bus, identity, proxy, agent };
  worlds.push(world);
  return world;
}

/** An agent whose time the test owns, beside a connection in real time. */
async function startAtRest(clock: TestClock, options: BenchOptions & { bus?: TestBusOptions } = {}): Promise<World> {
  return await start({
    ...options,
    outbox: { clock, timer: clock, ...options.outbox },
    drain: {
      clock,
      timer: clock,
      backoff: { baseMs: 1000, maxMs: 30_000, heldBaseMs: 5000, heldMaxMs: 60_000 },
      ...options.drain,
    },
  });
}

/** Lets time pass in steps, with room for real calls in between, and emits events on the way. */
async function pass(clock: TestClock, minutes: number, eachStep: () => void): Promise<void> {
  for (let step = 0; step < minutes * 6; step += 1) {
    eachStep();
    clock.advance(10_000);
    await Bun.sleep(2);
  }
}

/** Lets time run until all is settled. */
async function settle(clock: TestClock, { agent }: World): Promise<void> {
  let isSettled = false;
  const settled = agent.drain.settledAll().then(() => {
    isSettled = true;
  });
  while (!isSettled) {
    clock.advance(1000);
    await Bun.sleep(2);
  }
  await settled;
}

/** The numbers of the flow events that the bus holds, in the order in which it took them. */
function numbersAt(bus: TestBus): number[] {
  const records = bus.reader.records({ kinds: ["flow"], limit: 100_000 });
  return records.map(({ bytes }) => {
    const at = Buffer.from(bytes).indexOf(marker);
    return numberOf(bytes.subarray(at + marker.length));
  });
}

// the tag and length of a flow payload of 100 bytes: field 4 of the envelope
const marker = Buffer.from([0x22, 100]);

/** Sequences of an epoch that the bus holds or that were declared to it, and how many of each. */
function balanceAt(bus: TestBus, epoch: string) {
  const source = { agent: "agent-1", epoch };
  const stored = bus.reader
    .records({ agents: ["agent-1"], limit: 100_000 })
    .filter((record) => record.source.epoch === epoch)
    .map(({ sequence }) => sequence);
  const declared = bus.reader.ranges(source).filter(({ reason }) => reason === "declared");
  const missing = bus.reader.ranges(source).filter(({ reason }) => reason === "missing");
  const count = (ranges: typeof declared) => ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  return { stored: stored.length, distinct: new Set(stored).size, declared: count(declared), missing: count(missing) };
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

test("everything is on the bus once and in order", async () => {
  const { bus, agent } = await start();
  for (let i = 0; i < 3000; i += 1) agent.outbox.emit(flowEvent(i));
  await agent.drain.settledAll();
  expect(numbersAt(bus)).toEqual(upTo(3000));
  expect(balanceAt(bus, agent.outbox.epoch)).toEqual({ stored: 3000, distinct: 3000, declared: 0, missing: 0 });
});

test("a bus that is away for an hour costs disk within the budget, and gets everything once", async () => {
  const clock = createTestClock(Date.now());
  const world = await startAtRest(clock);
  const { bus, proxy, agent } = world;
  proxy.isAway = true;
  proxy.cut();
  let emitted = 0;
  await pass(clock, 60, () => {
    for (let i = 0; i < 10; i += 1) agent.outbox.emit(flowEvent(emitted++));
  });
  expect(agent.drain.state).toBe("retrying");
  expect(auditFigures(agent.log)).toMatchObject({ produced: 3600, parked: 0, lost: 0, pending: 3600 });
  expect(agent.log.stats().liveBytes).toBeLessThan(3 << 20);
  // waits of 15 to 30 s
  expect(proxy.attempts).toBeLessThan(200);
  expect(proxy.attempts).toBeGreaterThan(60);
  proxy.isAway = false;
  await settle(clock, world);
  expect(numbersAt(bus)).toEqual(upTo(3600));
  expect(auditFigures(agent.log)).toMatchObject({ settled: 3600, pending: 0, difference: 0 });
});

test("an identity that is refused for an hour parks nothing and loses nothing", async () => {
  const clock = createTestClock(Date.now());
  const world = await startAtRest(clock);
  const { bus, identity, agent } = world;
  await bus.trust(identity, undefined);
  let emitted = 0;
  await pass(clock, 60, () => {
    for (let i = 0; i < 5; i += 1) agent.outbox.emit(flowEvent(emitted++));
  });
  expect(agent.drain.state).toBe("error");
  expect(agent.drain.lastError?.hint).toContain("amoskys trust add agent-1");
  expect(auditFigures(agent.log)).toMatchObject({ produced: 1800, parked: 0, lost: 0, pending: 1800 });
  const told = agent.heard.lines.filter(({ level }) => level === "error");
  expect(told.length).toBeGreaterThan(10);
  expect(told.length).toBeLessThanOrEqual(61);
  await bus.trust(identity, {});
  await settle(clock, world);
  expect(numbersAt(bus)).toEqual(upTo(1800));
  expect(agent.drain.state).toBe("active");
});

test("an agent with nothing to send still knows whether the bus is there and takes its identity", async () => {
  const clock = createTestClock(Date.now());
  const { bus, identity, proxy, agent } = await startAtRest(clock);
  await until(() => agent.drain.state === "active", "the state active");
  expect(agent.drain.lastAckMs).toBeUndefined();
  await bus.trust(identity, undefined);
  clock.advance(30_000);
  await until(() => agent.drain.state === "error", "the state error");
  await bus.trust(identity, {});
  clock.advance(60_000);
  await until(() => agent.drain.state === "active", "the state active again");
  proxy.isAway = true;
  proxy.cut();
  clock.advance(30_000);
  await until(() => agent.drain.state === "connecting", "the state connecting");
});

test("an agent that is removed while 10,000 records wait delivers all of them when it is back", async () => {
  const { bus, identity, proxy, agent } = await start();
  proxy.isAway = true;
  proxy.cut();
  for (let i = 0; i < 10_000; i += 1) agent.outbox.emit(flowEvent(i));
  await agent.outbox.flush();
  await bus.trust(identity, undefined);
  proxy.isAway = false;
  await until(() => agent.drain.state === "error", "the refusal");
  await Bun.sleep(200);
  expect(auditFigures(agent.log)).toMatchObject({ produced: 10_000, parked: 0, lost: 0, pending: 10_000 });
  expect(bus.stored(identity)).toEqual([]);
  await bus.trust(identity, {});
  await agent.drain.settledAll();
  expect(numbersAt(bus)).toEqual(upTo(10_000));
});

test("an acknowledgement that is lost after the commit leaves everything on the bus once", async () => {
  const { bus, identity, proxy, agent } = await start();
  for (let round = 0; round < 5; round += 1) {
    const before = round * 700;
    proxy.isMute = agent.drain.lastAckMs !== undefined;
    for (let i = 0; i < 700; i += 1) agent.outbox.emit(flowEvent(before + i));
    if (proxy.isMute) {
      await until(() => bus.stored(identity).length === before + 700, "the commit at the bus");
      expect(auditFigures(agent.log).pending).toBe(700);
      proxy.cut();
      proxy.isMute = false;
    }
    await agent.drain.settledAll();
  }
  expect(numbersAt(bus)).toEqual(upTo(3500));
  expect(balanceAt(bus, agent.outbox.epoch)).toEqual({ stored: 3500, distinct: 3500, declared: 0, missing: 0 });
});

test("a bus that is restarted again and again under load has everything once", async () => {
  const { bus, proxy, agent } = await start();
  let emitted = 0;
  const load = setInterval(() => {
    for (let i = 0; i < 40; i += 1) agent.outbox.emit(flowEvent(emitted++));
  }, 5);
  for (let round = 0; round < 4; round += 1) {
    await Bun.sleep(150);
    await bus.restart();
    proxy.cut();
  }
  clearInterval(load);
  await agent.drain.settledAll();
  expect(numbersAt(bus)).toEqual(upTo(emitted));
  expect(auditFigures(agent.log)).toMatchObject({ produced: emitted, settled: emitted, difference: 0 });
});

test("what is shed at the budget is declared: produced = stored + declared lost on the bus's log", async () => {
  const { bus, proxy, agent } = await start({ budgetBytes: 400_000, outbox: {} });
  for (let round = 0; round < 3; round += 1) {
    proxy.isAway = true;
    proxy.cut();
    for (let burst = 0; burst < 40; burst += 1) {
      for (let i = 0; i < 50; i += 1) agent.outbox.emit(flowEvent(i));
      await agent.outbox.flush();
    }
    proxy.isAway = false;
    await agent.drain.settledAll();
  }
  const { produced, lost, settled, difference } = auditFigures(agent.log);
  expect(lost).toBeGreaterThan(1000);
  expect(difference).toBe(0);
  expect(balanceAt(bus, agent.outbox.epoch)).toEqual({
    stored: settled,
    distinct: settled,
    declared: lost,
    missing: 0,
  });
  expect(settled + lost).toBe(produced);
});

test("a queue that overflows is declared to the bus", async () => {
  const { bus, agent } = await start({ outbox: { queueEventsMax: 200 } });
  for (let i = 0; i < 1000; i += 1) agent.outbox.emit(flowEvent(i));
  await agent.drain.settledAll();
  expect(balanceAt(bus, agent.outbox.epoch)).toEqual({ stored: 201, distinct: 201, declared: 800, missing: 0 });
});

test("a record that conflicts is parked and told; those behind it do not wait for long", async () => {
  const { bus, identity, agent } = await start({ bus: { limits: { earlyWaitMs: 200 } } });
  for (let i = 0; i < 4; i += 1) agent.outbox.emit(flowEvent(i));
  await agent.drain.settledAll();
  // another hand with the same key takes the next sequence
  identity.epoch = agent.outbox.epoch;
  identity.next = 5;
  await identity.client.publishEnvelopes(encodePublishEnvelopes([identity.sealOne(flowBody(99))]));
  for (let i = 4; i < 50; i += 1) agent.outbox.emit(flowEvent(i));
  await agent.drain.settledAll();
  const audit = auditFigures(agent.log);
  expect(audit).toMatchObject({ produced: 51, settled: 50, parked: 1, lost: 0, pending: 0, difference: 0 });
  const kinds = bus.reader.records({ limit: 100 }).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === "parked")).toHaveLength(1);
  expect(balanceAt(bus, agent.outbox.epoch)).toMatchObject({ stored: 51, distinct: 51, missing: 0 });
});

test("a bus that is overloaded slows an agent down and loses nothing", async () => {
  const { bus, agent } = await start({ bus: { limits: { maxInflight: 1, hardMax: 2 } } });
  for (let i = 0; i < 6000; i += 1) agent.outbox.emit(flowEvent(i));
  await agent.drain.settledAll();
  expect(numbersAt(bus)).toEqual(upTo(6000));
});

test("a message larger than the bus takes goes in smaller calls", async () => {
  const { bus, agent } = await start();
  for (let i = 0; i < 20; i += 1) agent.outbox.emit(flowEvent(i, 100_000));
  await agent.drain.settledAll();
  expect(balanceAt(bus, agent.outbox.epoch)).toMatchObject({ stored: 20, missing: 0 });
});

test("the clock of the agent may jump", async () => {
  const clock = createTestClock(Date.now());
  const jumping = { ...clock, wallMs: () => clock.wallMs() - 400 * 86_400_000, monotonicMs: systemClock.monotonicMs };
  const { bus, agent } = await start({ outbox: { clock: jumping }, drain: { clock: jumping } });
  for (let i = 0; i < 100; i += 1) agent.outbox.emit(flowEvent(i));
  await agent.drain.settledAll();
  expect(numbersAt(bus)).toEqual(upTo(100));
});
