import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AmoskysError } from "../../src/core/errors.ts";
import { auditFigures } from "../../src/delivery/index.ts";
import { UniversalAck_Status as Status } from "../../src/gen/universal_telemetry_pb.ts";
import { CallRefusal, type GrpcStatus, type TlsMaterial } from "../../src/transport/index.ts";
import { openLogReader } from "../../src/wal/index.ts";
import { createTestAuthority, type TestAuthority } from "../support/certificates.ts";
import { type AgentBench, type BenchOptions, flowEvent, startAgentBench, testAgent, until } from "./agent-bench.ts";
import {
  type Answer,
  always,
  refused,
  type ScriptedBus,
  type SeenCall,
  startScriptedBus,
  stored,
} from "./scripted-bus.ts";

// several of these run beside others on few cores
setDefaultTimeout(30_000);

let authority: TestAuthority;
let tls: TlsMaterial;
let bus: ScriptedBus;
const agents: AgentBench[] = [];

beforeAll(async () => {
  authority = createTestAuthority();
  tls = authority.client(testAgent);
  bus = await startScriptedBus(authority);
});

afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.close();
  bus.calls.length = 0;
  bus.stored.length = 0;
  bus.hintMs = 0;
  bus.script = always(stored);
});

afterAll(async () => {
  await bus.server.stop(0);
  authority.remove();
});

async function start(options: BenchOptions = {}): Promise<AgentBench> {
  const agent = await startAgentBench(bus.server.port, tls, options);
  agents.push(agent);
  return agent;
}

function emit(agent: AgentBench, count: number, size = 100): void {
  for (let i = 0; i < count; i += 1) agent.outbox.emit(flowEvent(i, size));
}

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, i) => i + 1);
}

function recordsOf(agent: AgentBench) {
  const reader = openLogReader(agent.log.path);
  try {
    return reader.records({ limit: 10_000 });
  } finally {
    reader.close();
  }
}

/** Refuses sequence `wrong` for a fault of its own, and takes everything else. */
function refuseOne(wrong: number, code = "undecodable") {
  return ({ events }: SeenCall): Answer[] =>
    events.map(({ sequence }) => (sequence === wrong ? refused(Status.INVALID, code) : stored));
}

test("a drain brings everything to the bus in order and settles it", async () => {
  const agent = await start();
  expect(agent.drain.state).toBe("connecting");
  emit(agent, 1000);
  await agent.drain.settledAll();
  expect(bus.stored).toEqual(upTo(1000));
  expect(auditFigures(agent.log)).toEqual({
    produced: 1000,
    settled: 1000,
    parked: 0,
    lost: 0,
    pending: 0,
    difference: 0,
  });
  expect(agent.drain.state).toBe("active");
  expect(agent.drain.lastAckMs).toBeNumber();
  expect(agent.log.stats().records).toBe(0);
  expect(agent.heard.total("agent_publish_ok_total")).toBe(1000);
});

test("groups travel as trees, and single ones collected as envelopes", async () => {
  const agent = await start();
  emit(agent, 3);
  await agent.drain.settledAll();
  expect(bus.calls.map(({ method, events }) => [method, events.length])).toEqual([["PublishTree", 3]]);
  bus.script = () => new CallRefusal("UNAVAILABLE", "away");
  for (let i = 0; i < 5; i += 1) {
    emit(agent, 1);
    await agent.outbox.flush();
  }
  await until(() => bus.calls.length > 1, "a try");
  bus.calls.length = 0;
  bus.script = always(stored);
  await agent.drain.settledAll();
  const taken = bus.calls.at(-1);
  expect([taken?.method, bus.stored]).toEqual(["PublishEnvelopes", upTo(8)]);
});

test("a few calls are in flight at once, and never more than the limit", async () => {
  let open = 0;
  let mostOpen = 0;
  bus.script = async ({ events }) => {
    open += 1;
    mostOpen = Math.max(mostOpen, open);
    await Bun.sleep(20);
    open -= 1;
    return events.map(() => stored);
  };
  const agent = await start({ drain: { inFlightMax: 3 } });
  emit(agent, 512 * 8);
  await agent.drain.settledAll();
  expect(mostOpen).toBeGreaterThan(1);
  expect(mostOpen).toBeLessThanOrEqual(3);
  expect([...bus.stored].sort((a, b) => a - b)).toEqual(upTo(4096));
});

const waits: readonly [Status, string][] = [
  [Status.RETRY, "overload"],
  [Status.RETRY, "window_full"],
  [Status.RETRY, "disk_low"],
  [Status.RETRY, "draining"],
  [Status.OVERLOAD, "overload"],
  [Status.QUOTA_EXCEEDED, "rate_limited"],
  [Status.PROCESSING_ERROR, "internal"],
];

test.each(waits)("status %d with %s: everything is kept and goes again after the hint", async (status, code) => {
  const times: number[] = [];
  bus.script = ({ events }) => {
    times.push(performance.now());
    bus.hintMs = times.length <= 2 ? 60 : 0;
    return events.map(() => (times.length <= 2 ? refused(status, code) : stored));
  };
  const agent = await start();
  emit(agent, 10);
  await until(() => times.length === 1, "the first try");
  await until(() => agent.drain.state === "backpressure", "backpressure");
  expect(agent.drain.lastError?.message).toContain(code);
  await agent.drain.settledAll();
  expect(times.length).toBe(3);
  expect((times[1] as number) - (times[0] as number)).toBeGreaterThanOrEqual(58);
  expect(bus.stored).toEqual(upTo(10));
  expect(agent.drain.state).toBe("active");
  expect(agent.heard.total("agent_publish_retry_total")).toBe(2);
});

test("a bus that takes everything but asks to go slower is obeyed", async () => {
  const times: number[] = [];
  bus.script = ({ events }) => {
    times.push(performance.now());
    bus.hintMs = times.length === 1 ? 100 : 0;
    return events.map(() => stored);
  };
  const agent = await start();
  emit(agent, 2);
  await until(() => agent.drain.state === "backpressure", "backpressure");
  emit(agent, 2);
  await agent.drain.settledAll();
  expect((times[1] as number) - (times[0] as number)).toBeGreaterThanOrEqual(98);
  expect([agent.drain.state, agent.heard.total("agent_publish_retry_total")]).toEqual(["active", 0]);
});

test("events that came too early go again as soon as those before them are taken, whatever the hint", async () => {
  const tries = new Map<number, number>();
  bus.script = async ({ events }) => {
    const first = events[0]?.sequence as number;
    tries.set(first, (tries.get(first) ?? 0) + 1);
    if (tries.get(first) !== 1) {
      bus.hintMs = 0;
      return events.map(() => stored);
    }
    if (first !== 1) await Bun.sleep(30);
    bus.hintMs = first === 1 ? 200 : 20_000;
    return events.map(() => refused(Status.RETRY, first === 1 ? "overload" : "window_full"));
  };
  const agent = await start();
  const startMs = performance.now();
  emit(agent, 1024);
  await agent.drain.settledAll();
  expect(performance.now() - startMs).toBeLessThan(5000);
  expect([...tries]).toEqual([
    [1, 2],
    [513, 2],
  ]);
});

test("events behind a refused one go again as soon as its notice is there, whatever the hint", async () => {
  let isExplained = false;
  bus.script = ({ events }) => {
    isExplained ||= events.some(({ parked }) => parked?.sequence === 3);
    bus.hintMs = isExplained ? 0 : 20_000;
    return events.map(({ sequence }) => {
      if (sequence === 3) return refused(Status.INVALID, "undecodable");
      return sequence > 3 && !isExplained ? refused(Status.RETRY, "window_full") : stored;
    });
  };
  const agent = await start({ drain: { backoff: { baseMs: 20_000 } } });
  const startMs = performance.now();
  emit(agent, 10);
  await agent.drain.settledAll();
  expect(performance.now() - startMs).toBeLessThan(5000);
  expect(auditFigures(agent.log)).toMatchObject({ settled: 10, parked: 1, difference: 0 });
});

test("every try sends the same bytes", async () => {
  let tries = 0;
  bus.script = ({ events }) => {
    tries += 1;
    return tries < 4 ? new CallRefusal("UNAVAILABLE", "away") : events.map(() => stored);
  };
  const agent = await start();
  emit(agent, 20);
  await agent.drain.settledAll();
  const bytes = new Set(bus.calls.map((call) => Buffer.from(call.bytes).toString("hex")));
  expect([bus.calls.length, bytes.size]).toEqual([4, 1]);
});

const recordFaults: readonly [Status, string][] = [
  [Status.INVALID, "too_large"],
  [Status.INVALID, "non_canonical"],
  [Status.INVALID, "undecodable"],
  [Status.INVALID, "missing"],
  [Status.INVALID, "conflict"],
  [Status.SECURITY_VIOLATION, "bad_signature"],
  [Status.SECURITY_VIOLATION, "digest_mismatch"],
];

test.each(recordFaults)("status %d with %s parks that record alone and tells the bus", async (status, code) => {
  bus.script = ({ events }) => events.map(({ sequence }) => (sequence === 3 ? refused(status, code) : stored));
  const agent = await start();
  emit(agent, 5);
  await agent.drain.settledAll();
  expect(bus.stored).toEqual([1, 2, 4, 5, 6]);
  const notice = bus.calls.at(-1)?.events[0]?.parked;
  expect(notice).toMatchObject({ sequence: 3, code, reason: `because of ${code}` });
  const [parked] = recordsOf(agent).filter(({ state }) => state === "parked");
  expect(parked).toMatchObject({ sequence: 3, form: "universal", code });
  const scanned = bus.calls[0]?.events[2]?.leafBytes() as Uint8Array;
  expect(Buffer.from(notice?.digest ?? []).equals(new Bun.CryptoHasher("blake2b256").update(scanned).digest())).toBe(
    true,
  );
  expect(auditFigures(agent.log)).toMatchObject({
    produced: 6,
    settled: 5,
    parked: 1,
    lost: 0,
    pending: 0,
    difference: 0,
  });
  expect(agent.drain.state).toBe("active");
});

test("a parked record is kept as the envelope that stands alone, with the proof of its tree", async () => {
  bus.script = refuseOne(2);
  const agent = await start();
  emit(agent, 4);
  await agent.drain.settledAll();
  const [parked] = recordsOf(agent).filter(({ state }) => state === "parked");
  const { scanUniversal } = await import("../../src/envelope/index.ts");
  const scan = scanUniversal(parked?.bytes as Uint8Array);
  expect(scan.ok && scan.facts.proof?.index).toBe(1);
  expect(scan.ok && scan.facts.proof?.size).toBe(4);
  expect(scan.ok && scan.facts.sig?.length).toBe(64);
});

test("a replayed record goes again by itself, as it was sealed", async () => {
  bus.script = refuseOne(2);
  const agent = await start();
  emit(agent, 4);
  await agent.drain.settledAll();
  const [parked] = recordsOf(agent).filter(({ state }) => state === "parked");
  await agent.drain.stop(0);
  agent.log.replay([parked?.id as number]);
  bus.script = always(stored);
  bus.calls.length = 0;
  const { createDrain } = await import("../../src/delivery/index.ts");
  const { log, outbox, client, heard } = agent;
  const { systemClock } = await import("../../src/core/clock.ts");
  const drain = createDrain({ log, outbox, client, observer: heard, clock: systemClock });
  await drain.start();
  await drain.settledAll();
  await drain.stop(0);
  expect(bus.calls.map(({ method, events }) => [method, events.map(({ sequence }) => sequence)])).toEqual([
    ["PublishEnvelopes", [2]],
  ]);
  expect(auditFigures(agent.log)).toMatchObject({ settled: 5, parked: 0, pending: 0, difference: 0 });
});

test("a bus that refuses every record ends with all of it parked, not with notices of notices", async () => {
  bus.script = always(refused(Status.INVALID, "undecodable"));
  const agent = await start();
  emit(agent, 6);
  await agent.drain.settledAll();
  expect(auditFigures(agent.log)).toMatchObject({ produced: 12, parked: 12, pending: 0, difference: 0 });
  expect(agent.heard.lines.filter(({ message }) => message.includes("it is parked"))).toHaveLength(1);
});

const identityCodes = ["unknown_agent", "unknown_key", "revoked", "expired", "not_permitted"];

test.each(identityCodes)("%s holds everything, parks nothing, and ends by itself when mended", async (code) => {
  bus.script = always(refused(Status.SECURITY_VIOLATION, code));
  const agent = await start();
  emit(agent, 30);
  await until(() => bus.calls.length >= 3, "three tries");
  expect(agent.drain.state).toBe("error");
  expect(agent.drain.lastError).toMatchObject({ code: "identity_refused" });
  expect(auditFigures(agent.log)).toMatchObject({ produced: 30, parked: 0, lost: 0, pending: 30 });
  const told = agent.heard.lines.filter(({ level }) => level === "error");
  expect(told.map(({ message }) => message)).toEqual([
    `The bus refuses the identity ${testAgent} (${code}: because of ${code})`,
  ]);
  expect(String(told[0]?.fields?.hint)).toContain("amoskys ");
  bus.script = always(stored);
  await agent.drain.settledAll();
  expect([agent.drain.state, bus.stored]).toEqual(["active", upTo(30)]);
});

test("a bus that knows another key of ours: everything is held, nothing parked, and it ends when mended", async () => {
  const agent = await start();
  emit(agent, 30);
  await agent.drain.settledAll();
  bus.calls.length = 0;
  bus.script = always(refused(Status.SECURITY_VIOLATION, "bad_signature"));
  emit(agent, 600);
  await until(() => bus.calls.length >= 3, "three tries");
  expect(agent.drain.state).toBe("error");
  expect(agent.drain.lastError).toMatchObject({ code: "identity_refused", details: { code: "bad_signature" } });
  expect(auditFigures(agent.log)).toMatchObject({ produced: 630, parked: 0, lost: 0, pending: 600 });
  const told = agent.heard.lines.filter(({ level }) => level === "error");
  expect(told).toHaveLength(1);
  const add = `amoskys trust add ${testAgent} --key certs/${testAgent}.ed25519.pub (where the bus runs)`;
  expect(told[0]?.fields?.hint).toBe(`amoskys trust remove ${testAgent}, then: ${add}`);
  bus.script = always(stored);
  await agent.drain.settledAll();
  expect([agent.drain.state, [...bus.stored].sort((a, b) => a - b)]).toEqual(["active", upTo(630)]);
});

test("events that come one at a time are not parked one at a time for a key that the bus does not know", async () => {
  const agent = await start();
  emit(agent, 1);
  await agent.drain.settledAll();
  bus.script = always(refused(Status.SECURITY_VIOLATION, "bad_signature"));
  for (let i = 0; i < 20; i += 1) {
    emit(agent, 1);
    await agent.outbox.flush();
    await Bun.sleep(5);
  }
  await until(() => agent.drain.state === "error", "the state error");
  expect(auditFigures(agent.log)).toMatchObject({ parked: 1, lost: 0, difference: 0 });
  bus.script = always(stored);
  await agent.drain.settledAll();
  expect(auditFigures(agent.log)).toMatchObject({ produced: 22, settled: 21, parked: 1, difference: 0 });
});

test("on a full disk no more is refused than can wait to be parked", async () => {
  const agent = await start();
  bus.script = () => new CallRefusal("UNAVAILABLE", "away");
  emit(agent, 8000, 20);
  await agent.outbox.flush();
  const append = spyOn(agent.log, "append").mockImplementation(() => {
    throw new AmoskysError("disk_full", "The disk is full");
  });
  await until(() => bus.calls.length > 0, "a try");
  let asked = 0;
  bus.script = ({ events }) => {
    asked += events.length;
    return events.map(() => refused(Status.INVALID, "undecodable"));
  };
  await until(() => asked >= 2048, "the first refusals");
  await Bun.sleep(200);
  // and what was on its way
  expect(asked).toBeLessThanOrEqual(2048 + 4 * 512);
  bus.script = always(stored);
  append.mockRestore();
  await agent.drain.settledAll();
  const { parked, settled, difference } = auditFigures(agent.log);
  // each of those that are parked has its notice
  expect([parked <= asked, settled, difference]).toEqual([true, 8000, 0]);
});

const statuses: readonly [GrpcStatus, string, string][] = [
  ["UNAVAILABLE", "retrying", "unreachable"],
  ["DEADLINE_EXCEEDED", "retrying", "timeout"],
  ["INTERNAL", "retrying", "internal"],
  ["CANCELLED", "retrying", "unreachable"],
  ["UNAUTHENTICATED", "error", "identity_refused"],
  ["PERMISSION_DENIED", "error", "identity_refused"],
];

test.each(statuses)("gRPC status %s keeps everything: state %s", async (status, state, code) => {
  bus.script = () => new CallRefusal(status as Exclude<GrpcStatus, "OK">, "no");
  const agent = await start({ drain: { retryMax: 2 } });
  emit(agent, 10);
  await until(() => agent.drain.state === state, state);
  expect(agent.drain.lastError?.code).toBe(code as never);
  expect(auditFigures(agent.log)).toMatchObject({ parked: 0, pending: 10 });
  bus.script = always(stored);
  await agent.drain.settledAll();
  expect(bus.stored).toEqual(upTo(10));
});

test("a tree that is too large for a bus goes leaf by leaf with proofs, and the next one at once so", async () => {
  bus.script = ({ method, events }) =>
    method === "PublishTree" ? new CallRefusal("RESOURCE_EXHAUSTED", "too large") : events.map(() => stored);
  const agent = await start();
  emit(agent, 8);
  await agent.drain.settledAll();
  expect(bus.calls.map(({ method }) => method)).toEqual(["PublishTree", "PublishEnvelopes"]);
  expect(bus.calls[1]?.events.map(({ proof }) => proof?.size)).toEqual(Array.from({ length: 8 }, () => 8));
  emit(agent, 9);
  await agent.drain.settledAll();
  expect(bus.calls.slice(2).map(({ method }) => method)).toEqual(["PublishEnvelopes"]);
  expect(bus.stored).toEqual(upTo(17));
});

test("a call that is too large is halved, and a single record that is too large is parked", async () => {
  bus.script = ({ method, bytes, events }) =>
    method === "PublishTree" || bytes.length > 3000
      ? new CallRefusal("RESOURCE_EXHAUSTED", "too large")
      : events.map(() => stored);
  const agent = await start();
  emit(agent, 7, 300);
  agent.outbox.emit(flowEvent(7, 4000));
  emit(agent, 4, 300);
  await agent.drain.settledAll();
  expect(auditFigures(agent.log)).toMatchObject({ produced: 13, settled: 12, parked: 1, pending: 0, difference: 0 });
  expect(recordsOf(agent).filter(({ state }) => state === "parked")).toMatchObject([
    { sequence: 8, code: "too_large" },
  ]);
});

test("an older bus gets the calls that it knows", async () => {
  bus.script = ({ method, events }) =>
    method === "PublishTelemetry" ? events.map(() => stored) : new CallRefusal("UNIMPLEMENTED", "unknown call");
  const agent = await start();
  emit(agent, 5);
  await agent.drain.settledAll();
  expect(bus.calls.map(({ method }) => method)).toEqual([
    "PublishTree",
    "PublishEnvelopes",
    ...Array.from({ length: 5 }, () => "PublishTelemetry" as const),
  ]);
  expect(bus.stored).toEqual(upTo(5));
});

test.each([
  ["too few", (answers: Answer[]) => answers.slice(1)],
  ["too many", (answers: Answer[]) => [...answers, stored]],
])("an answer with %s results settles nothing", async (_what, spoil) => {
  let tries = 0;
  bus.script = ({ events }) => {
    tries += 1;
    const answers = events.map(() => stored);
    return tries === 1 ? spoil(answers) : answers;
  };
  const agent = await start();
  emit(agent, 5);
  await agent.drain.settledAll();
  expect(tries).toBe(2);
  expect(auditFigures(agent.log)).toMatchObject({ settled: 5, difference: 0 });
});

test("a record refused in the middle never blocks those behind it", async () => {
  bus.script = refuseOne(100);
  const agent = await start();
  emit(agent, 3000);
  await agent.drain.settledAll();
  expect(auditFigures(agent.log)).toMatchObject({
    produced: 3001,
    settled: 3000,
    parked: 1,
    pending: 0,
    difference: 0,
  });
});

test("records that the disk changed are declared lost with their tree, and never sent", async () => {
  bus.script = () => new CallRefusal("UNAVAILABLE", "away");
  const folder = mkdtempSync(join(tmpdir(), "amoskys-damaged-"));
  const before = await startAgentBench(bus.server.port, tls, { folder });
  for (let i = 0; i < 3; i += 1) {
    emit(before, 4);
    await before.outbox.flush();
  }
  await before.close();
  const database = new Database(join(folder, "agent.db"));
  database.run("UPDATE records SET bytes = zeroblob(length(bytes)) WHERE sequence = 6");
  database.close();
  bus.calls.length = 0;
  bus.script = always(stored);
  const agent = await start({ folder });
  await agent.drain.settledAll();
  expect(bus.stored.filter((sequence) => sequence <= 12)).toEqual([1, 2, 3, 4, 9, 10, 11, 12]);
  const declared = bus.calls.flatMap(({ events }) => events.flatMap(({ loss }) => loss ?? []));
  expect(declared).toMatchObject([{ firstSequence: 5, lastSequence: 8, count: 4, reason: "damage" }]);
  expect(auditFigures(agent.log)).toMatchObject({ produced: 13, settled: 9, lost: 4, pending: 0, difference: 0 });
  await agent.drain.stop(0);
  rmSync(folder, { recursive: true, force: true });
});

test("loss and parked records overtake a backlog", async () => {
  bus.script = () => new CallRefusal("UNAVAILABLE", "away");
  const agent = await start({ budgetBytes: 300_000 });
  for (let i = 0; i < 60; i += 1) {
    emit(agent, 20, 200);
    await agent.outbox.flush();
  }
  expect(auditFigures(agent.log).lost).toBeGreaterThan(0);
  await until(() => agent.drain.lastError !== undefined, "a failure");
  bus.calls.length = 0;
  bus.script = always(stored);
  await agent.drain.settledAll();
  const taken = bus.calls.filter(({ events }) => events.some(({ sequence }) => bus.stored.includes(sequence)));
  const kinds = taken.flatMap(({ events }) => events.map(({ kind }) => kind));
  expect(kinds.indexOf("loss")).toBeLessThan(512 * 2);
  const declared = new Set<number>();
  for (const { loss } of taken.flatMap(({ events }) => events)) {
    for (let s = loss?.firstSequence ?? 1; s <= (loss?.lastSequence ?? 0); s += 1) declared.add(s);
  }
  const all = new Set([...declared, ...bus.stored]);
  expect([...all].sort((a, b) => a - b)).toEqual(upTo(agent.outbox.figures().highest));
  expect(bus.stored.some((sequence) => declared.has(sequence))).toBe(false);
});

test("a log that cannot be trusted any more ends the drain with state error", async () => {
  let isTaking = false;
  bus.script = ({ events }) => (isTaking ? events.map(() => stored) : new CallRefusal("UNAVAILABLE", "away"));
  const agent = await start();
  emit(agent, 10);
  await until(() => bus.calls.length > 0, "a try");
  renameSync(agent.log.path, `${agent.log.path}.moved`);
  isTaking = true;
  expect((await agent.drain.failed).code).toBe("log_io");
  expect(agent.drain.state).toBe("error");
  await expect(agent.drain.settledAll()).rejects.toMatchObject({ code: "log_io" });
});

test("send_rate holds the rate", async () => {
  const agent = await start({ drain: { sendRate: 200 } });
  const startMs = performance.now();
  for (let i = 0; i < 6; i += 1) {
    emit(agent, 50);
    await agent.outbox.flush();
  }
  await agent.drain.settledAll();
  // 300 events at 200 a second, of which the first second's worth goes at once
  expect(performance.now() - startMs).toBeGreaterThan(400);
  expect(bus.stored).toEqual(upTo(300));
});

test("stop waits for acknowledgements while the bus gives any, and not for a bus that is away", async () => {
  bus.script = async ({ events }) => {
    await Bun.sleep(50);
    return events.map(() => stored);
  };
  const agent = await start();
  emit(agent, 2000);
  await agent.outbox.flush();
  await agent.drain.stop(5000);
  expect(auditFigures(agent.log)).toMatchObject({ settled: 2000, pending: 0 });

  bus.script = () => new CallRefusal("UNAVAILABLE", "away");
  const other = await start({ drain: { backoff: { baseMs: 5000 } } });
  emit(other, 10);
  await until(() => other.drain.lastError !== undefined, "a failure");
  const startMs = performance.now();
  await other.drain.stop(5000);
  expect(performance.now() - startMs).toBeLessThan(500);
  expect(auditFigures(other.log).pending).toBe(10);
  expect(other.drain.state).toBe("shutdown");
});

test("a connection that is refused is tried again until the bus is there", async () => {
  const spare = await startScriptedBus(authority);
  const { port } = spare.server;
  await spare.server.stop(0);
  const agent = await startAgentBench(port, tls);
  agents.push(agent);
  emit(agent, 10);
  await until(() => agent.drain.lastError?.code === "unreachable", "the failure");
  expect(agent.drain.state).toBe("connecting");
  const back = await startScriptedBus(authority, port);
  await agent.drain.settledAll();
  expect(back.stored).toEqual(upTo(10));
  await back.server.stop(0);
});

test("a certificate of another authority holds everything and says what to check", async () => {
  const stranger = createTestAuthority();
  const agent = await startAgentBench(bus.server.port, { ...stranger.client(testAgent), ca: authority.ca });
  agents.push(agent);
  stranger.remove();
  emit(agent, 10);
  await until(() => agent.drain.state === "error", "the state error");
  expect(agent.drain.lastError).toMatchObject({ code: "identity_refused", hint: "amoskys certs check" });
  expect(auditFigures(agent.log)).toMatchObject({ parked: 0, pending: 10 });
});
