import { afterEach, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import { createPublicKey, verify } from "node:crypto";
import { renameSync } from "node:fs";
import { AmoskysError } from "../../src/core/errors.ts";
import { auditFigures } from "../../src/delivery/index.ts";
import type { EnvelopeFacts, SignatureVerifier } from "../../src/envelope/index.ts";
import {
  scanStoredLeaf,
  scanUniversal,
  standaloneEnvelope,
  verifyStandalone,
  verifyTree,
} from "../../src/envelope/index.ts";
import { type Log, openLogReader, type StoredGroup } from "../../src/wal/index.ts";
import { createOutboxBench, flowEvent, mebibyte, numberOf, type OutboxBench, testAgent, until } from "./agent-bench.ts";

// several of these run beside others on few cores
setDefaultTimeout(30_000);

const open: OutboxBench[] = [];

function bench(...options: Parameters<typeof createOutboxBench>): OutboxBench {
  const made = createOutboxBench(...options);
  open.push(made);
  return made;
}

afterEach(() => {
  for (const made of open.splice(0)) made.remove();
});

function groupsOf(log: Log): StoredGroup[] {
  const groups: StoredGroup[] = [];
  for (let group = log.nextGroup(0); group; group = log.nextGroup(group.id)) groups.push(group);
  return groups;
}

function factsOf(group: StoredGroup): EnvelopeFacts[] {
  return group.records.map(({ bytes }) => {
    const scan = scanStoredLeaf(bytes);
    if (!scan.ok) throw new Error(scan.reason);
    return scan.facts;
  });
}

function verifierOf(bench: OutboxBench): SignatureVerifier {
  const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), bench.signer.publicKey]);
  const key = createPublicKey({ key: spki, format: "der", type: "spki" });
  return {
    verifySignature: (agent, message, sig) => agent === testAgent && verify(null, message, key, sig),
  };
}

/** Every sequence that is in the log or declared lost by a record in it, each once. */
function accountedFor(log: Log): number[] {
  const sequences = new Set<number>();
  for (const facts of groupsOf(log).flatMap(factsOf)) {
    sequences.add(facts.sequence);
    for (let s = facts.loss?.firstSequence ?? 1; s <= (facts.loss?.lastSequence ?? 0); s += 1) sequences.add(s);
  }
  return [...sequences].sort((a, b) => a - b);
}

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, i) => i + 1);
}

test("an outbox stores what gathered in one turn as one signed group, sequences without a gap from 1", async () => {
  const { log, outbox, ...rest } = bench();
  for (let i = 0; i < 5; i += 1) outbox.emit(flowEvent(i));
  await outbox.flush();
  const [group, ...others] = groupsOf(log) as [StoredGroup];
  expect(others).toEqual([]);
  const facts = factsOf(group);
  expect(facts.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
  expect(facts.map(({ payload }) => numberOf(payload))).toEqual([0, 1, 2, 3, 4]);
  expect(new Set(facts.map(({ agent, epoch }) => `${agent} ${epoch}`))).toEqual(
    new Set([`${testAgent} ${outbox.epoch}`]),
  );
  const leaves = group.records.map(({ bytes }) => bytes);
  expect(verifyTree(testAgent, leaves, group.sig, verifierOf({ log, outbox, ...rest }), "ever")).toBe(true);
});

test("a group of one is a plain envelope, and every group chains to the one before", async () => {
  const made = bench();
  const { log, outbox } = made;
  for (let i = 0; i < 3; i += 1) {
    outbox.emit(flowEvent(i));
    await outbox.flush();
  }
  const groups = groupsOf(log);
  expect(groups.map(({ size }) => size)).toEqual([1, 1, 1]);
  expect(groups.map(({ prevSig }) => Buffer.from(prevSig).toString("hex"))).toEqual([
    "",
    ...groups.slice(0, 2).map(({ sig }) => Buffer.from(sig).toString("hex")),
  ]);
  for (const group of groups) {
    const scan = scanUniversal(
      standaloneEnvelope({ leaves: [group.records[0]?.bytes as Uint8Array], sig: group.sig }, 0),
    );
    expect(scan.ok && scan.facts.algorithm).toBe("ed25519-v2");
    expect(scan.ok && verifyStandalone(scan.facts, verifierOf(made), "ever")).toBe(true);
  }
});

test("a group has at most 512 leaves and 1 MiB", async () => {
  const { log, outbox } = bench();
  for (let i = 0; i < 1200; i += 1) outbox.emit(flowEvent(i, 50));
  for (let i = 0; i < 30; i += 1) outbox.emit(flowEvent(i, 100_000));
  await outbox.flush();
  const groups = groupsOf(log);
  const sizes = groups.map(({ records }) => records.reduce((sum, { bytes }) => sum + bytes.length, 0));
  expect(Math.max(...groups.map(({ size }) => size))).toBe(512);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(mebibyte);
  expect(accountedFor(log)).toEqual(upTo(1230));
});

test("the epoch and its sequences go on over a restart, and a recovered log begins a new epoch", async () => {
  const first = bench();
  first.outbox.emit(flowEvent(1));
  await first.outbox.flush();
  const { folder } = first;
  const { epoch } = first.outbox;
  expect(epoch).toMatch(/^[0-9a-f]{16}$/);
  first.log.close();

  const second = bench({ folder });
  expect(second.outbox.epoch).toBe(epoch);
  second.outbox.emit(flowEvent(2));
  await second.outbox.flush();
  expect(accountedFor(second.log)).toEqual([1, 2]);
  expect(second.outbox.figures().highest).toBe(2);
  second.log.close();

  const path = `${folder}/agent.db`;
  const bytes = new Uint8Array(await Bun.file(path).arrayBuffer());
  await Bun.write(path, bytes.fill(0xff, 0, 100));
  const third = bench({ folder });
  expect(third.log.recovery?.setAside).toBeString();
  expect(third.outbox.epoch).not.toBe(epoch);
  third.outbox.emit(flowEvent(3));
  await third.outbox.flush();
  const own = groupsOf(third.log).filter(({ source }) => source.epoch === third.outbox.epoch);
  expect(own.map(({ firstSequence }) => firstSequence)).toEqual([1]);
});

test("a full queue loses what comes, burns sequences for it and says so in a signed record", async () => {
  const { log, outbox, heard } = bench({ outbox: { queueEventsMax: 100 } });
  for (let i = 0; i < 150; i += 1) outbox.emit(flowEvent(i));
  expect(outbox.figures()).toMatchObject({ queued: 100, lost: 50 });
  await outbox.flush();
  const facts = groupsOf(log).flatMap(factsOf);
  const loss = facts.flatMap((each) => each.loss ?? []);
  expect(loss).toEqual([
    {
      firstSequence: 1,
      lastSequence: 50,
      count: 50,
      reason: "queue",
      startNs: flowEvent(100).tsNs,
      endNs: flowEvent(149).tsNs,
    },
  ]);
  expect(accountedFor(log)).toEqual(upTo(151));
  expect(auditFigures(log)).toMatchObject({ produced: 151, lost: 50, pending: 101, difference: 0 });
  expect(heard.total("amoskys_agent_lost_events_total")).toBe(50);
  expect(outbox.figures()).toMatchObject({ stored: 100, lost: 50, highest: 151 });
});

test("an event that fits into no envelope is declared lost, and the others go on", async () => {
  const { log, outbox } = bench();
  outbox.emit(flowEvent(1));
  outbox.emit(flowEvent(2, 131_072));
  outbox.emit(flowEvent(3, 130_000));
  await outbox.flush();
  const facts = groupsOf(log).flatMap(factsOf);
  expect(facts.flatMap((each) => each.loss ?? [])).toMatchObject([{ count: 1, reason: "size" }]);
  expect(facts.filter(({ kind }) => kind === "flow").map(({ payload }) => numberOf(payload))).toEqual([1, 3]);
  expect(auditFigures(log).difference).toBe(0);
});

test("a smaller envelope limit of the bus is kept", async () => {
  const { log, outbox } = bench({ outbox: { eventBytesMax: 10_000 } });
  outbox.emit(flowEvent(1, 9500));
  outbox.emit(flowEvent(2, 9000));
  await outbox.flush();
  const facts = groupsOf(log).flatMap(factsOf);
  expect(facts.filter(({ kind }) => kind === "flow").map(({ payload }) => numberOf(payload))).toEqual([2]);
});

test("what a collector lost itself is declared with its own times", async () => {
  const { log, outbox } = bench();
  outbox.lose({ reason: "collector", count: 7, startNs: 100n, endNs: 200n });
  outbox.lose({ reason: "collector", count: 3, startNs: 50n, endNs: 150n });
  await outbox.flush();
  const [facts] = groupsOf(log).flatMap(factsOf);
  expect(facts?.loss).toEqual({
    firstSequence: 1,
    lastSequence: 10,
    count: 10,
    reason: "collector",
    startNs: 50n,
    endNs: 200n,
  });
  expect(facts?.sequence).toBe(11);
});

test("emit never throws, also after the outbox was stopped", async () => {
  const { outbox, heard } = bench();
  outbox.emit(flowEvent(1));
  await outbox.stop(1000);
  outbox.emit(flowEvent(2));
  expect(outbox.figures()).toMatchObject({ stored: 1, lost: 1, queued: 0 });
  expect(heard.total("amoskys_agent_lost_events_total")).toBe(1);
});

test("at the budget the oldest groups are shed, and loss records account for every sequence", async () => {
  const budgetBytes = 200_000;
  const { log, outbox } = bench({ budgetBytes });
  for (let round = 0; round < 60; round += 1) {
    for (let i = 0; i < 20; i += 1) outbox.emit(flowEvent(round * 20 + i, 200));
    await outbox.flush();
    expect(log.stats().liveBytes).toBeLessThanOrEqual(budgetBytes + 10_000);
  }
  const { highest } = outbox.figures();
  expect(accountedFor(log)).toEqual(upTo(highest));
  const facts = groupsOf(log).flatMap(factsOf);
  const newest = facts.filter(({ kind }) => kind === "flow").map(({ payload }) => numberOf(payload));
  expect(newest.at(-1)).toBe(1199);
  expect(newest).toEqual([...newest].sort((a, b) => a - b));
  const audit = auditFigures(log);
  expect(audit).toMatchObject({ produced: highest, difference: 0, parked: 0, settled: 0 });
  expect(audit.lost).toBeGreaterThan(300);
});

test("however long the bus is away, a few loss records declare all that was shed", async () => {
  const { log, outbox } = bench({ budgetBytes: 100_000, outbox: { queueEventsMax: 40 } });
  for (let round = 0; round < 200; round += 1) {
    // now and then the queue overflows too, so that there are losses of two kinds
    for (let i = 0; i < (round % 50 === 0 ? 60 : 20); i += 1) outbox.emit(flowEvent(i, 200));
    await outbox.flush();
  }
  const losses = groupsOf(log)
    .flatMap(factsOf)
    .filter(({ loss }) => loss);
  expect(losses.length).toBeLessThan(40);
  expect(accountedFor(log)).toEqual(upTo(outbox.figures().highest));
  expect(auditFigures(log).difference).toBe(0);
});

test("groups that are kept are not shed", async () => {
  const { log, outbox } = bench({ budgetBytes: 100_000 });
  for (let i = 0; i < 20; i += 1) outbox.emit(flowEvent(i, 200));
  await outbox.flush();
  const [first] = groupsOf(log) as [StoredGroup];
  outbox.keepGroups(() => [first.id]);
  for (let round = 0; round < 40; round += 1) {
    for (let i = 0; i < 20; i += 1) outbox.emit(flowEvent(i, 200));
    await outbox.flush();
  }
  expect(groupsOf(log)[0]).toEqual(first);
  expect(accountedFor(log)).toEqual(upTo(outbox.figures().highest));
});

test("events are lost with a record where nothing can be shed", async () => {
  const { log, outbox } = bench({ budgetBytes: 50_000 });
  outbox.keepGroups(() => groupsOf(log).map(({ id }) => id));
  for (let round = 0; round < 10; round += 1) {
    for (let i = 0; i < 20; i += 1) outbox.emit(flowEvent(i, 400));
    await outbox.flush();
  }
  const losses = groupsOf(log)
    .flatMap(factsOf)
    .flatMap(({ loss }) => loss ?? []);
  expect(losses.length).toBeGreaterThan(0);
  expect(new Set(losses.map(({ reason }) => reason))).toEqual(new Set(["budget"]));
  expect(accountedFor(log)).toEqual(upTo(outbox.figures().highest));
  expect(auditFigures(log).difference).toBe(0);
});

test("what an earlier run had to say is found again, and taken over when it is shed", async () => {
  const first = bench({ budgetBytes: 100_000 });
  for (let round = 0; round < 30; round += 1) {
    for (let i = 0; i < 20; i += 1) first.outbox.emit(flowEvent(i, 200));
    await first.outbox.flush();
  }
  await first.outbox.park({
    epoch: first.outbox.epoch,
    facts: { sequence: 1, digest: new Uint8Array(32), code: "conflict", reason: "" },
  });
  const lossGroups = groupsOf(first.log).filter(({ records }) => records[0]?.kind === "loss");
  const parkedGroups = groupsOf(first.log).filter(({ records }) => records[0]?.kind === "parked");
  first.log.close();
  const second = bench({ folder: first.folder, budgetBytes: 100_000 });
  expect([...second.outbox.foundControlGroupIds].sort((a, b) => a - b)).toEqual(
    [...lossGroups, ...parkedGroups].map(({ id }) => id).sort((a, b) => a - b),
  );
  for (let round = 0; round < 100; round += 1) {
    for (let i = 0; i < 20; i += 1) second.outbox.emit(flowEvent(i, 200));
    await second.outbox.flush();
  }
  expect(accountedFor(second.log)).toEqual(upTo(second.outbox.figures().highest));
  expect(groupsOf(second.log).filter(({ records }) => records[0]?.kind === "parked")).toEqual(parkedGroups);
});

test("room resolves at once while there is room, and otherwise when the queue has drained", async () => {
  const { outbox } = bench({ outbox: { queueEventsMax: 100 } });
  await outbox.room();
  for (let i = 0; i < 60; i += 1) outbox.emit(flowEvent(i));
  expect(outbox.isPressed).toBe(true);
  let hasRoom = false;
  const room = outbox.room().then(() => {
    hasRoom = true;
  });
  await Promise.resolve();
  expect(hasRoom).toBe(false);
  await room;
  expect(outbox.figures().queued).toBe(0);
});

test("room waits while the log is near its budget, so that a source that can wait loses nothing", async () => {
  const { log, outbox } = bench({ budgetBytes: 100_000 });
  let emitted = 0;
  let isWaiting = false;
  const feed = (async () => {
    for (; emitted < 400; emitted += 1) {
      isWaiting = true;
      await outbox.room();
      isWaiting = false;
      outbox.emit(flowEvent(emitted, 200));
    }
  })();
  await until(() => isWaiting && outbox.figures().queued === 0 && log.stats().liveBytes > 80_000, "the log to fill");
  expect(outbox.figures().lost).toBe(0);
  while (emitted < 400) {
    const groups = groupsOf(log);
    log.settle(
      groups.flatMap(({ records }) => records.map(({ id }) => ({ id, state: "settled", code: "stored", reason: "" }))),
    );
    log.prune();
    outbox.delivered(groups.map(({ id }) => id));
    await Bun.sleep(0);
  }
  await feed;
  await outbox.flush();
  expect(outbox.figures()).toMatchObject({ stored: 400, lost: 0, highest: 400 });
});

test("a damaged group is dropped and what was pending of it declared lost", async () => {
  const { log, outbox } = bench();
  for (let i = 0; i < 4; i += 1) outbox.emit(flowEvent(i));
  await outbox.flush();
  const [group] = groupsOf(log) as [StoredGroup];
  log.settle([{ id: group.records[1]?.id as number, state: "settled", code: "stored", reason: "" }]);
  expect(outbox.dropDamaged(log.nextGroup(0) as StoredGroup)).toBe(true);
  const [facts, ...others] = groupsOf(log).flatMap(factsOf);
  expect(others.map((each) => each.loss)).toMatchObject([{ firstSequence: 3, lastSequence: 4, reason: "damage" }]);
  expect(facts?.loss).toMatchObject({ firstSequence: 1, lastSequence: 1, reason: "damage" });
  expect(auditFigures(log)).toMatchObject({ produced: 6, settled: 1, lost: 3, pending: 2, difference: 0 });
});

test("what a full disk keeps from being stored until the stop is told once, with its number, and counted", async () => {
  const { log, outbox, heard } = bench({ outbox: { queueEventsMax: 100 } });
  outbox.emit(flowEvent(0));
  await outbox.flush();
  spyOn(log, "append").mockImplementation(() => {
    throw new AmoskysError("disk_full", "The disk is full");
  });
  for (let i = 0; i < 130; i += 1) outbox.emit(flowEvent(i));
  await outbox.stop(50);
  await outbox.stop(0);
  const told = heard.lines.filter(({ level }) => level === "error");
  expect(told.map(({ fields }) => fields)).toEqual([{ events: 130 }]);
  expect([heard.total("amoskys_agent_lost_events_total"), outbox.figures().lost]).toEqual([130, 130]);
});

test("a log that cannot be trusted any more ends the outbox, which neither throws nor lets anybody wait", async () => {
  const { log, outbox, heard } = bench({ outbox: { queueEventsMax: 100 } });
  outbox.emit(flowEvent(1));
  await outbox.flush();
  renameSync(log.path, `${log.path}.moved`);
  for (let i = 0; i < 80; i += 1) outbox.emit(flowEvent(i));
  const room = outbox.room();
  expect((await outbox.failed).code).toBe("log_io");
  await room;
  await expect(outbox.flush()).rejects.toMatchObject({ code: "log_io" });
  outbox.emit(flowEvent(3));
  await outbox.room();
  await outbox.stop(1000);
  expect(outbox.figures()).toMatchObject({ stored: 1, lost: 81 });
  const told = heard.lines.filter(({ level }) => level === "error");
  expect(told.map(({ fields }) => fields)).toEqual([{ events: 81 }]);
});

test("a log with undelivered events of another agent is refused with its name", async () => {
  const first = bench();
  first.outbox.emit(flowEvent(1));
  await first.outbox.flush();
  first.log.close();
  const { createSigner } = await import("../../src/identity/index.ts");
  const signer = createSigner("agent-2", new Uint8Array(32).fill(9));
  expect(() => bench({ folder: first.folder, outbox: { signer } })).toThrow(/another agent, "agent-1"/);
});

test("what reads the log sees every record as pending and intact", async () => {
  const { log, outbox } = bench();
  for (let i = 0; i < 3; i += 1) outbox.emit(flowEvent(i));
  await outbox.flush();
  const reader = openLogReader(log.path);
  const records = reader.records({ limit: 10 });
  reader.close();
  expect(records.map(({ state, intact, form }) => [state, intact, form])).toEqual(
    Array.from({ length: 3 }, () => ["pending", true, "leaf"]),
  );
});
