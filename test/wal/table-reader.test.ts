import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { recordKinds } from "../../src/core/event.ts";
import { Connection } from "../../src/wal/connection.ts";
import {
  type LogReader,
  openLogReader,
  type RecordQuery,
  recordStates,
  type SourceHead,
  type StoredRecord,
} from "../../src/wal/index.ts";
import {
  baseNs,
  batchOf,
  openSample,
  sampleBatch,
  sampleBytes,
  sampleRecord,
  sampleSource,
  temporaryFolder,
} from "./sample-log.ts";

const agents = ["agent", "b", "c"];

describe("records", () => {
  const folder = temporaryFolder();
  const count = 400;
  let reader: LogReader;
  let all: StoredRecord[];

  // times go back and forth, kinds, states and agents alternate, some records have gone
  beforeAll(() => {
    const log = openSample(folder.path, { role: "bus" });
    for (let first = 1; first <= count; first += 40) {
      const numbers = Array.from({ length: 40 }, (_, i) => first + i);
      const records = numbers.map((n) =>
        sampleRecord(n, {
          source: { agent: agents[n % 3] as string, epoch: n % 5 === 0 ? "00000000000000b1" : sampleSource.epoch },
          kind: recordKinds[n % recordKinds.length] ?? "flow",
          state: n % 7 === 0 ? "parked" : "settled",
          tsNs: baseNs + BigInt((n * 7919) % 500),
        }),
      );
      log.append(batchOf(records));
    }
    log.close();
    const connection = Connection.writable(log.path);
    connection.run("DELETE FROM records WHERE id BETWEEN 100 AND 149 OR id % 11 = 0");
    connection.close();
    reader = openLogReader(log.path);
    all = reader.records({ limit: 10_000 });
  });
  afterAll(() => {
    reader.close();
    folder[Symbol.dispose]();
  });

  function naive(query: RecordQuery): number[] {
    const asked = all.filter(
      (record) =>
        (query.sinceNs === undefined || record.tsNs >= query.sinceNs) &&
        (query.untilNs === undefined || record.tsNs < query.untilNs) &&
        (query.kinds?.includes(record.kind) ?? true) &&
        (query.states?.includes(record.state) ?? true) &&
        (query.agents?.includes(record.source.agent) ?? true) &&
        (query.afterId === undefined || (query.newestFirst ? record.id < query.afterId : record.id > query.afterId)),
    );
    const ordered = query.newestFirst ? asked.toReversed() : asked;
    return ordered.slice(0, query.limit).map(({ id }) => id);
  }

  test("answers every query as a filter over all of them would", () => {
    expect(all.length).toBeGreaterThan(300);
    const time = fc.integer({ min: -5, max: 505 }).map((offset) => baseNs + BigInt(offset));
    const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
    const query = fc.record({
      afterId: optional(fc.integer({ min: 0, max: count + 10 })),
      sinceNs: optional(time),
      untilNs: optional(time),
      kinds: optional(fc.subarray([...recordKinds])),
      states: optional(fc.subarray([...recordStates])),
      agents: optional(fc.subarray([...agents, "unknown"])),
      limit: fc.integer({ min: 1, max: 60 }),
      newestFirst: fc.boolean(),
    });
    fc.assert(
      fc.property(query, (asked) => {
        expect(reader.records(asked).map(({ id }) => id)).toEqual(naive(asked));
      }),
      { numRuns: 300 },
    );
  });

  test("pages through all of them in both directions", () => {
    for (const newestFirst of [false, true]) {
      const ids: number[] = [];
      for (let afterId: number | undefined; ; afterId = ids.at(-1)) {
        const page = reader.records({ limit: 17, newestFirst, afterId });
        if (page.length === 0) break;
        ids.push(...page.map(({ id }) => id));
      }
      expect(ids).toEqual(newestFirst ? all.map(({ id }) => id).toReversed() : all.map(({ id }) => id));
    }
  });

  test("finds single ones by sequence, and none that are not there", () => {
    const some = all[37] as StoredRecord;
    expect(reader.record(some.source, some.sequence)).toEqual(some);
    expect(reader.record(some.source, 99_999)).toBeUndefined();
    expect(reader.record({ agent: "nobody", epoch: "" }, some.sequence)).toBeUndefined();
    expect(reader.legacyRecord("agent", "none")).toBeUndefined();
  });

  test("takes spans of time beyond what the file can hold", () => {
    expect(reader.records({ limit: 5, sinceNs: 2n ** 64n })).toEqual([]);
    expect(reader.records({ limit: 1000, untilNs: 2n ** 64n })).toHaveLength(all.length);
  });
});

test("a reader sees what is committed while it reads, new sources and time spans too", () => {
  using folder = temporaryFolder();
  const log = openSample(folder.path, { role: "bus" });
  log.append(sampleBatch(1, 2, { state: "settled" }));
  const reader = openLogReader(log.path);
  const since: RecordQuery = { limit: 100, sinceNs: baseNs };
  expect(reader.records(since)).toHaveLength(2);
  const other = { agent: "other", epoch: "00000000000000c1" };
  log.append(sampleBatch(1, 3, { state: "settled", source: other }));
  expect(reader.records(since)).toHaveLength(5);
  expect(reader.records({ limit: 10, agents: ["other"] })).toHaveLength(3);
  expect(reader.record(other, 2)?.source).toEqual(other);
  expect(reader.sources().map(({ source }) => source.agent)).toEqual(["agent", "other"]);
  expect(reader.highestId()).toBe(5);
  expect(reader.stats()).toMatchObject({ records: 5, treeSize: 5, highest: 5 });
  expect(reader.stats().treeRoot).toEqual(log.stats().treeRoot);
  log.setMeta("k", "v");
  expect(reader.meta("k")).toBe("v");
  log.append({
    ...batchOf([]),
    ranges: [{ source: other, op: "add", first: 7, last: 9, reason: "missing", sinceMs: 4 }],
  });
  expect(reader.ranges(other)).toEqual(log.ranges(other));
  expect(reader.ranges({ agent: "nobody", epoch: "" })).toEqual([]);
  expect(reader.newestRanges(other, "missing", 5)).toEqual(log.ranges(other));
  expect(reader.countSequences("missing")).toBe(3);
  expect(reader.head(other)).toEqual(log.sources()[1] as SourceHead);
  expect(reader.head({ agent: "nobody", epoch: "" })).toBeUndefined();
  reader.close();
  log.close();
});

test("a reader gives a group with its leaves, but no leaves where one is not there as such", () => {
  using folder = temporaryFolder();
  const log = openSample(folder.path);
  log.append(sampleBatch(1, 4));
  const reader = openLogReader(log.path);
  expect(reader.group(1)).toEqual(log.nextGroup(0));
  expect(reader.groupLeaves(1)).toEqual([1, 2, 3, 4].map((n) => sampleBytes(n)));
  log.settle([{ id: 3, state: "parked", code: "c", reason: "r", standalone: sampleBytes(3, 99) }]);
  expect(reader.groupLeaves(1)).toBeUndefined();
  expect(reader.group(2)).toBeUndefined();
  expect(reader.groupLeaves(2)).toBeUndefined();
  reader.close();
  log.close();
});

test("a reader says of bytes that were changed that they are not intact, and gives no leaves with them", () => {
  using folder = temporaryFolder();
  const log = openSample(folder.path);
  log.append(sampleBatch(1, 3));
  log.close();
  const connection = Connection.writable(log.path);
  connection.run("UPDATE records SET bytes = x'00' WHERE id = 2");
  connection.close();
  const reader = openLogReader(log.path);
  expect(reader.records({ limit: 9 }).map(({ intact }) => intact)).toEqual([true, false, true]);
  expect(reader.groupLeaves(1)).toBeUndefined();
  reader.close();
});

test("a reader lets go of its snapshot with every answer", () => {
  using folder = temporaryFolder();
  const log = openSample(folder.path);
  log.append(sampleBatch(1, 5));
  const reader = openLogReader(log.path);
  const questions: readonly (() => unknown)[] = [
    () => reader.record(sampleSource, 2),
    () => reader.record(sampleSource, 99),
    () => reader.legacyRecord("agent", "k"),
    () => reader.records({ limit: 1 }),
    () => reader.records({ limit: 1, sinceNs: baseNs }),
    () => reader.group(1),
    () => reader.groupLeaves(1),
    () => reader.sources(),
    () => reader.head(sampleSource),
    () => reader.ranges(),
    () => reader.ranges(sampleSource),
    () => reader.newestRanges(sampleSource, "missing", 1),
    () => reader.countSequences("missing"),
    () => reader.stats(),
    () => reader.meta("k"),
    () => reader.highestId(),
  ];
  for (const [i, ask] of questions.entries()) {
    ask();
    log.append(sampleBatch(i * 5 + 6, 5));
    log.checkpoint();
    expect([i, log.stats().walBytes]).toEqual([i, 0]);
  }
  reader.close();
  log.close();
});

test("many readers at once never keep the writer from writing back", async () => {
  using folder = temporaryFolder();
  const log = openSample(folder.path, { role: "bus", checkpointBytes: 65_536 });
  log.append(sampleBatch(1, 20, { state: "settled" }));
  const child = join(import.meta.dir, "reading-child.ts");
  const readers = [1, 2].map(() => Bun.spawn([process.execPath, child, log.path], { stdout: "pipe" }));
  await Promise.all(readers.map((reader) => reader.stdout.getReader().read()));
  let most = 0;
  for (let i = 1; i < 150; i += 1) {
    log.append(sampleBatch(i * 20 + 1, 20, { state: "settled", length: 400 }));
    most = Math.max(most, log.stats().walBytes);
  }
  for (const reader of readers) reader.kill();
  await Promise.all(readers.map(({ exited }) => exited));
  expect(most).toBeLessThan(65_536 * 12);
  log.close();
}, 60_000);

test("a log on a medium that takes no writes can be read", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "medium");
  mkdirSync(path);
  const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=2m", "amoskys-test", path]).exitCode === 0;
  if (!mounted) process.stderr.write("skipped: nothing can be mounted, a folder stands for a medium without writes\n");
  try {
    const log = openSample(folder.path);
    log.append(sampleBatch(1, 3));
    log.close();
    copyFileSync(log.path, join(path, "a b%?.db"));
    if (mounted) Bun.spawnSync(["mount", "-o", "remount,ro", path]);
    else chmodSync(path, 0o500);
    const reader = openLogReader(join(path, "a b%?.db"));
    expect(reader.records({ limit: 9 })).toHaveLength(3);
    reader.close();
    expect(readdirSync(path)).toEqual(["a b%?.db"]);
  } finally {
    if (mounted) Bun.spawnSync(["umount", "-l", path]);
    else chmodSync(path, 0o700);
  }
});
