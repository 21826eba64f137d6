import { describe, expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { blake2b256 } from "../../src/core/hashes.ts";
import { leafHash, treeRoot } from "../../src/core/merkle.ts";
import {
  checkStructure,
  type Log,
  openLog,
  openLogReader,
  type RecordQuery,
  recordOverheadBytes,
} from "../../src/wal/index.ts";
import {
  baseNs,
  batchOf,
  openSample,
  sampleBatch,
  sampleBytes,
  sampleRecord,
  sampleSource,
  settleGroup,
  temporaryFolder,
} from "./sample-log.ts";

const parked = { state: "parked", code: "bad_signature", reason: "does not hold" } as const;

function faultsOf(path: string): unknown[] {
  return [...checkStructure(path)].flatMap((fact) => fact.faults as readonly unknown[]);
}

function idsOf(path: string): number[] {
  const reader = openLogReader(path);
  const ids = reader.records({ limit: 100_000 }).map(({ id }) => id);
  reader.close();
  return ids;
}

describe("LogReader.records", () => {
  test("looks at no id behind the last one asked for, also with other conditions", () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path);
    for (let first = 1; first <= 30; first += 10) log.append(sampleBatch(first, 10));
    log.append(sampleBatch(31, 5, { kind: "process" }));
    const reader = openLogReader(log.path);
    const found = (query: Partial<RecordQuery>) => reader.records({ limit: 100, ...query }).map(({ id }) => id);
    expect(found({ afterId: 5, throughId: 8 })).toEqual([6, 7, 8]);
    expect(found({ afterId: 28, throughId: 32, kinds: ["process"] })).toEqual([31, 32]);
    expect(found({ throughId: 3, newestFirst: true })).toEqual([3, 2, 1]);
    expect(found({ throughId: 20, agents: ["nobody"] })).toEqual([]);
    expect(found({ throughId: 1000 })).toHaveLength(35);
    reader.close();
    log.close();
  });
});

describe("Log.append", () => {
  test("gives ids that ascend without a gap inside a batch and are never given twice", () => {
    using folder = temporaryFolder();
    let log = openSample(folder.path);
    expect(log.append(sampleBatch(1, 3))).toEqual({ firstId: 1, groupIds: [1], size: 3 });
    expect(log.append(sampleBatch(4, 2))).toEqual({ firstId: 4, groupIds: [2], size: 5 });
    for (const id of [1, 2]) settleGroup(log, id);
    expect(log.prune()).toBe(5);
    log.close();
    log = openSample(folder.path);
    expect(log.append(sampleBatch(6, 1))).toEqual({ firstId: 6, groupIds: [3], size: 6 });
    expect(log.append({ groups: [], records: [], heads: [], ranges: [] })).toEqual({
      firstId: 7,
      groupIds: [],
      size: 6,
    });
    log.close();
  });

  test("stores all of a batch or nothing of it", () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path);
    log.append(sampleBatch(1, 2));
    const before = log.stats();
    const heads = log.sources();
    const twice = {
      ...sampleBatch(3, 3),
      ranges: [],
      records: [...sampleBatch(3, 3).records, ...sampleBatch(2, 1).records],
    };
    expect(() => log.append(twice)).toThrow(expect.objectContaining({ code: "internal" }));
    const { treeRoot: root, ...figures } = log.stats();
    expect({ ...figures, treeRoot: root }).toEqual({ ...before, walBytes: figures.walBytes });
    expect(log.sources()).toEqual(heads);
    expect(log.append(sampleBatch(3, 1)).firstId).toBe(3);
    log.close();
    expect(faultsOf(log.path)).toEqual([]);
  });

  test("refuses a pending record without a group and a group without records", () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path);
    const lonely = batchOf([sampleRecord(1, { state: "pending" })]);
    expect(() => log.append(lonely)).toThrow("has no group");
    expect(() => log.append({ ...sampleBatch(1, 1), records: [] })).toThrow("has no records");
    expect(() => log.append(batchOf([sampleRecord(1, { group: 3 })]))).toThrow("has no group");
    log.close();
  });

  test("keeps every field of a record, extreme ones too", () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path, { role: "bus" });
    const records = [
      sampleRecord(Number.MAX_SAFE_INTEGER, { tsNs: 2n ** 64n - 1n, receivedNs: 0n, bytes: new Uint8Array() }),
      sampleRecord(0, {
        source: { agent: "Ä·\u0000|'", epoch: "" },
        legacyKey: "k\u0000\n'; DROP TABLE records; --",
        judgedDigest: blake2b256(sampleBytes(9)),
        kind: "batch",
        form: "envelope",
        trust: "unsigned",
        bytes: sampleBytes(7, 131_072),
      }),
    ];
    log.append(batchOf(records));
    log.close();
    const reader = openLogReader(log.path);
    const stored = reader.records({ limit: 10 });
    expect(stored).toHaveLength(2);
    for (const [i, record] of records.entries()) {
      const { group: _none, ...fields } = record;
      expect(stored[i]).toMatchObject({ ...fields, digest: blake2b256(record.bytes), intact: true });
    }
    expect(reader.legacyRecord("Ä·\u0000|'", "k\u0000\n'; DROP TABLE records; --")?.id).toBe(2);
    reader.close();
  });

  test("keeps one legacy key once for one agent, and any number of records without one", () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path, { role: "bus" });
    const legacy = (agent: string, legacyKey: string) =>
      batchOf([sampleRecord(0, { source: { agent, epoch: "" }, legacyKey })]);
    log.append(legacy("a", "k"));
    log.append(legacy("b", "k"));
    log.append(legacy("a", "l"));
    expect(() => log.append(legacy("a", "k"))).toThrow(expect.objectContaining({ code: "internal" }));
    expect(log.stats().records).toBe(3);
    log.close();
  });

  test("keeps the tree over all records in order of id, as RFC 6962 has it", () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path);
    const hashes: Uint8Array[] = [];
    for (let first = 1; first < 40; first += 3) {
      const batch = sampleBatch(first, 3);
      hashes.push(...batch.records.map(({ bytes }) => leafHash(bytes)));
      log.append(batch);
      expect(log.stats().treeRoot).toEqual(treeRoot(hashes));
    }
    settleGroup(log, 1);
    settleGroup(log, 5);
    log.prune();
    expect(log.stats().treeRoot).toEqual(treeRoot(hashes));
    log.close();
    expect(faultsOf(log.path)).toEqual([]);
  });

  test("refuses what takes it well beyond its budget, and is usable when something has been shed", () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path, { budgetBytes: 4 << 20 });
    let next = 1;
    const fill = () => {
      for (; ; next += 100) log.append(sampleBatch(next, 100, { length: 1000 }));
    };
    expect(fill).toThrow(expect.objectContaining({ code: "disk_full", retryable: true }));
    const full = log.stats();
    expect(full.liveBytes).toBeGreaterThan(4 << 20);
    expect(full.liveBytes).toBeLessThan(6 << 20);
    const { groupIds } = log.oldestGroups(1 << 20, []);
    log.append({ ...sampleBatch(next, 1), dropGroups: groupIds });
    expect(log.stats().liveBytes).toBeLessThan(full.liveBytes - (1 << 20) + 2000);
    log.close();
  });
});

describe("Log.settle", () => {
  test("settles runs and single records, and forgets nothing else", () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path);
    log.append(sampleBatch(1, 10));
    const settled = { state: "settled", code: "stored", reason: "" } as const;
    log.settle([1, 2, 3, 7, 9, 10].map((id) => ({ id, ...settled })));
    log.settle([3, 4, 999].map((id) => ({ id, ...settled })));
    const states = log.nextGroup(0)?.records.map(({ state }) => state[0]);
    expect(states?.join("")).toBe("sssspp" + "spss");
    expect(log.stats()).toMatchObject({ pending: 3, settled: 7, records: 10 });
    log.close();
    expect(faultsOf(log.path)).toEqual([]);
  });

  test("parks with the code, the reason and the envelope that stands alone", () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path);
    log.append(sampleBatch(1, 3));
    const standalone = sampleBytes(99, 500);
    log.settle([{ id: 2, ...parked, reason: "x".repeat(10_000), standalone }]);
    const [, record] = log.nextGroup(0)?.records ?? [];
    expect(record).toMatchObject({ state: "parked", form: "universal", code: "bad_signature", bytes: standalone });
    expect(record?.reason).toHaveLength(500);
    expect(record?.intact).toBe(true);
    expect(log.stats()).toMatchObject({ parked: 1, pending: 2 });
    log.close();
    expect(faultsOf(log.path)).toEqual([]);
  });

  test("lets a parked record be replayed and settled, and parks it again with other bytes", () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path);
    log.append(sampleBatch(1, 2));
    log.settle([
      { id: 1, ...parked, standalone: sampleBytes(1, 90) },
      { id: 2, state: "settled", code: "", reason: "" },
    ]);
    expect(log.nextGroup(0)).toBeUndefined();
    expect(log.prune()).toBe(1);
    expect(log.replay([1, 2, 77])).toBe(1);
    expect(log.nextGroup(0)?.records).toMatchObject([{ id: 1, state: "pending", form: "universal" }]);
    log.settle([{ id: 1, ...parked, standalone: sampleBytes(1, 70) }]);
    expect(log.replay([1])).toBe(1);
    settleGroup(log, 1);
    expect(log.prune()).toBe(1);
    expect(log.stats()).toMatchObject({ records: 0, liveBytes: 0, treeSize: 2 });
    expect(log.group(1)).toBeUndefined();
    expect(log.ranges().map(({ first, last, reason }) => [first, last, reason])).toEqual([[1, 2, "settled"]]);
    log.close();
    expect(faultsOf(log.path)).toEqual([]);
  });

  test("counts tries with the group and its records", () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path);
    log.append(sampleBatch(1, 2));
    log.markTried(1, "overload", 1000);
    log.markTried(1, "unreachable", 2000);
    const group = log.nextGroup(0);
    expect(group).toMatchObject({ tries: 2, lastTryMs: 2000, lastCode: "unreachable" });
    expect(group?.records[1]).toMatchObject({ tries: 2, lastTryMs: 2000 });
    log.close();
  });
});

describe("Log.prune", () => {
  test("keeps settled records until their whole group is done", () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path);
    log.append(sampleBatch(1, 3));
    log.append(sampleBatch(4, 2));
    log.settle([1, 2, 4, 5].map((id) => ({ id, state: "settled", code: "stored", reason: "" })));
    expect(log.prune()).toBe(2);
    expect(idsOf(log.path)).toEqual([1, 2, 3]);
    expect(log.ranges().map(({ first, last }) => [first, last])).toEqual([[4, 5]]);
    log.close();
    expect(faultsOf(log.path)).toEqual([]);
  });

  test("of the bus takes whole groups, the oldest first, and only while the log is over its budget", () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path, { role: "bus", budgetBytes: 200_000 });
    for (let first = 1; first < 300; first += 10)
      log.append(sampleBatch(first, 10, { state: "settled", length: 1000 }));
    expect(log.stats().liveBytes).toBeGreaterThan(200_000);
    log.prune();
    expect(log.stats().liveBytes).toBeLessThanOrEqual(200_000);
    expect(log.prune()).toBe(0);
    log.close();
    expect(faultsOf(log.path)).toEqual([]);
  });

  test("of the bus leaves no group without some of its leaves", () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path, { role: "bus", budgetBytes: 2_500_000 });
    for (let first = 1; first < 4000; first += 500) {
      log.append(sampleBatch(first, 500, { state: "settled", length: 600 }));
    }
    expect(log.prune()).toBeGreaterThan(0);
    log.close();
    const reader = openLogReader(log.path);
    const records = reader.records({ limit: 10_000 });
    expect(records.length % 500).toBe(0);
    for (const id of new Set(records.map(({ groupId }) => groupId as number))) {
      expect(reader.groupLeaves(id)).toHaveLength(500);
    }
    reader.close();
  });
});

describe("Log.compact", () => {
  test("of the bus removes what came before a time and gives the space back", () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path, { role: "bus" });
    for (let first = 1; first < 6000; first += 500) {
      log.append(sampleBatch(first, 500, { state: "settled", length: 600 }));
    }
    log.checkpoint();
    const before = statSync(log.path).size;
    expect(log.compact(baseNs + 5n + 5001n)).toBe(5000);
    expect(statSync(log.path).size).toBeLessThan(before / 2);
    expect(idsOf(log.path)[0]).toBe(5001);
    expect(log.compact(baseNs * 2n)).toBe(1000);
    expect(log.stats()).toMatchObject({ records: 0, treeSize: 6000 });
    expect(log.ranges().map(({ first, last, reason }) => [first, last, reason])).toEqual([[1, 6000, "settled"]]);
    log.close();
    expect(faultsOf(log.path)).toEqual([]);
  });
});

describe("Log.oldestGroups", () => {
  test("names the oldest groups that are not excepted, and the sequences that are still pending in them", () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path);
    for (const first of [1, 4, 7, 10]) log.append(sampleBatch(first, 3));
    log.settle([{ id: 5, state: "settled", code: "stored", reason: "" }]);
    const { groupIds, ranges } = log.oldestGroups(3 * (50 + recordOverheadBytes), [1]);
    expect(groupIds).toEqual([2, 3]);
    const at = (sequence: number) => baseNs + BigInt(sequence);
    expect(ranges).toEqual([
      { source: sampleSource, first: 4, last: 4, count: 1, startNs: at(4), endNs: at(4) },
      { source: sampleSource, first: 6, last: 9, count: 4, startNs: at(6), endNs: at(9) },
    ]);
    expect(log.oldestGroups(1 << 30, []).groupIds).toEqual([1, 2, 3, 4]);
    expect(log.oldestGroups(0, []).groupIds).toEqual([]);
    log.append({ ...sampleBatch(13, 1), dropGroups: groupIds });
    expect(idsOf(log.path)).toEqual([1, 2, 3, 10, 11, 12, 13]);
    expect(log.ranges().map(({ first, last, reason }) => [first, last, reason])).toEqual([[5, 5, "settled"]]);
    log.close();
    expect(faultsOf(log.path)).toEqual([]);
  });

  test("dropping a group leaves its parked records, which stand alone", () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path);
    log.append(sampleBatch(1, 3));
    log.settle([{ id: 2, ...parked, standalone: sampleBytes(2, 99) }]);
    log.append({ ...sampleBatch(4, 1), dropGroups: [1, 555] });
    expect(idsOf(log.path)).toEqual([2, 4]);
    expect(log.stats()).toMatchObject({ pending: 1, parked: 1 });
    expect(log.nextGroup(0)?.id).toBe(2);
    log.close();
    expect(faultsOf(log.path)).toEqual([]);
  });
});

describe("a log that is opened again", () => {
  test("has exactly the figures that it had", () => {
    using folder = temporaryFolder();
    const { fileBytes: _f, walBytes: _w, lastCommitMs: _l, ...before } = withWork(openSample(folder.path));
    const log = openSample(folder.path);
    expect(log.stats()).toMatchObject(before);
    expect(log.meta("epoch")).toBe("value of epoch");
    log.close();
  });

  function withWork(log: Log): ReturnType<Log["stats"]> {
    log.setMeta("epoch", "value of epoch");
    for (let first = 1; first < 60; first += 7) log.append(sampleBatch(first, 7));
    settleGroup(log, 1);
    settleGroup(log, 3);
    log.settle([{ id: 9, ...parked, standalone: sampleBytes(9, 80) }]);
    log.prune();
    const stats = log.stats();
    log.close();
    return stats;
  }

  test("leaves no companion behind that nobody needs, and closes twice", () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path);
    log.append(sampleBatch(1, 1));
    log.close();
    log.close();
    expect(existsSync(`${log.path}-wal`)).toBe(false);
    expect(existsSync(`${log.path}-shm`)).toBe(false);
    expect(() => log.append(sampleBatch(2, 1))).toThrow();
  });
});

interface ModelRecord {
  readonly id: number;
  readonly sequence: number;
  readonly groupId: number;
  bytes: Uint8Array;
  state: "pending" | "settled" | "parked";
}

/** A log as plain lists; slow and plain to see through. */
class NaiveLog {
  records: ModelRecord[] = [];
  readonly settledRange = new Set<number>();
  readonly hashes: Uint8Array[] = [];
  #groups = 0;

  append(first: number, count: number): void {
    this.#groups += 1;
    for (const { sequence, bytes } of sampleBatch(first, count).records) {
      this.hashes.push(leafHash(bytes));
      this.records.push({ id: this.hashes.length, sequence, groupId: this.#groups, bytes, state: "pending" });
    }
  }

  drop(groupIds: readonly number[]): void {
    this.#remove((record) => groupIds.includes(record.groupId) && record.state !== "parked");
  }

  prune(): void {
    const waiting = new Set(this.records.filter(({ state }) => state === "pending").map(({ groupId }) => groupId));
    this.#remove(({ groupId, state }) => state === "settled" && !waiting.has(groupId));
  }

  oldest(bytes: number, except: readonly number[]): number[] {
    const found: number[] = [];
    let sum = 0;
    const waiting = this.records.filter(({ state }) => state === "pending").map(({ groupId }) => groupId);
    for (const groupId of [...new Set(waiting)].sort((a, b) => a - b)) {
      if (sum >= bytes) break;
      if (except.includes(groupId)) continue;
      found.push(groupId);
      for (const record of this.records) {
        if (record.groupId === groupId && record.state !== "parked") sum += record.bytes.length + recordOverheadBytes;
      }
    }
    return found;
  }

  #remove(leaves: (record: ModelRecord) => boolean): void {
    for (const record of this.records) {
      if (leaves(record) && record.state === "settled") this.settledRange.add(record.sequence);
    }
    this.records = this.records.filter((record) => !leaves(record));
  }
}

type Step =
  | { readonly do: "append"; readonly count: number; readonly shed: number; readonly except: number[] }
  | { readonly do: "settle" | "park" | "replay"; readonly ids: number[] }
  | { readonly do: "prune" | "reopen" | "checkpoint" };

const ids = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 12 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant("append" as const),
    count: fc.integer({ min: 1, max: 9 }),
    shed: fc.constantFrom(0, 0, 500, 2000),
    except: fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 2 }),
  }),
  fc.record({ do: fc.constantFrom("settle" as const, "settle" as const, "park" as const, "replay" as const), ids }),
  fc.record({ do: fc.constantFrom("prune" as const, "reopen" as const, "checkpoint" as const) }),
);

function settleInBoth(log: Log, model: NaiveLog, stepIds: readonly number[], park: boolean): void {
  const changes = [...stepIds]
    .sort((a, b) => a - b)
    .map((id) => ({
      id,
      ...(park ? { ...parked, standalone: sampleBytes(id, 60) } : { state: "settled" as const, code: "", reason: "" }),
    }));
  log.settle(changes);
  for (const record of model.records.filter(({ id }) => stepIds.includes(id))) {
    record.state = park ? "parked" : "settled";
    if (park) record.bytes = sampleBytes(record.id, 60);
  }
}

function take(log: Log, model: NaiveLog, todo: Step, first: number): number {
  switch (todo.do) {
    case "append": {
      const { groupIds } = log.oldestGroups(todo.shed, todo.except);
      expect(groupIds).toEqual(model.oldest(todo.shed, todo.except));
      log.append({ ...sampleBatch(first, todo.count), dropGroups: groupIds });
      model.drop(groupIds);
      model.append(first, todo.count);
      return first + todo.count;
    }
    case "settle":
    case "park":
      settleInBoth(log, model, todo.ids, todo.do === "park");
      return first;
    case "replay":
      log.replay(todo.ids);
      for (const record of model.records) {
        if (todo.ids.includes(record.id) && record.state === "parked") record.state = "pending";
      }
      return first;
    case "prune":
      log.prune();
      model.prune();
      return first;
    default:
      log.checkpoint();
      return first;
  }
}

function expectSame(log: Log, model: NaiveLog): void {
  const reader = openLogReader(log.path);
  const found = reader.records({ limit: 1000 }).map(({ id, sequence, groupId, bytes, state, intact }) => {
    expect(intact).toBe(true);
    return { id, sequence, groupId, bytes, state };
  });
  reader.close();
  expect(found).toEqual(model.records as typeof found);
  const of = (state: string) => model.records.filter((record) => record.state === state);
  const cost = (records: ModelRecord[]) => records.reduce((sum, r) => sum + r.bytes.length + recordOverheadBytes, 0);
  expect(log.stats()).toMatchObject({
    records: model.records.length,
    pending: of("pending").length,
    settled: of("settled").length,
    parked: of("parked").length,
    liveBytes: cost(model.records),
    pendingBytes: cost(of("pending")),
    highest: model.hashes.length,
    treeSize: model.hashes.length,
    treeRoot: treeRoot(model.hashes),
    oldestPendingNs: oldestOf(of("pending")),
  });
  const ranged = log
    .ranges()
    .flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
  expect(ranged).toEqual([...model.settledRange].sort((a, b) => a - b));
  expect(faultsOf(log.path)).toEqual([]);
}

function oldestOf(pending: ModelRecord[]): bigint | undefined {
  const group = Math.min(...pending.map(({ groupId }) => groupId));
  const first = pending.find(({ groupId }) => groupId === group);
  return first && baseNs + BigInt(first.sequence);
}

test("Log does what lists would do, whatever comes in whatever order", () => {
  const long = process.env.AMOSKYS_LONG === "1";
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      using folder = temporaryFolder();
      const open = () =>
        openLog({ path: join(folder.path, "m.db"), role: "agent", budgetBytes: 1 << 30, checkpointBytes: 32_768 });
      let log = open();
      const model = new NaiveLog();
      let first = 1;
      for (const todo of steps) {
        if (todo.do === "reopen") {
          log.close();
          log = open();
        } else {
          first = take(log, model, todo, first);
        }
      }
      expectSame(log, model);
      log.close();
    }),
    { numRuns: long ? 2000 : 30 },
  );
}, 600_000);
