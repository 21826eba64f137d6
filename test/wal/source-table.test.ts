import { expect, test } from "bun:test";
import { openLogReader, type SourceKey } from "../../src/wal/index.ts";
import { batchOf, openSample, sampleBatch, sampleBytes, sampleRecord, temporaryFolder } from "./sample-log.ts";

const sourceOf = (n: number): SourceKey => ({ agent: `agent-${n % 3}`, epoch: n.toString(16).padStart(16, "0") });

test("a source of an append that failed is forgotten, and the number goes to the next one", () => {
  using folder = temporaryFolder();
  const log = openSample(folder.path, { role: "bus" });
  const twice = sampleRecord(1, { source: sourceOf(1) });
  expect(() => log.append(batchOf([twice, twice]))).toThrow(expect.objectContaining({ code: "internal" }));
  expect(log.sources()).toEqual([]);
  for (const n of [2, 1]) log.append(batchOf([sampleRecord(1, { source: sourceOf(n) })]));
  const reader = openLogReader(log.path);
  expect(log.sources().map(({ source }) => source)).toEqual([sourceOf(2), sourceOf(1)]);
  expect(reader.records({ limit: 9 }).map(({ source }) => source)).toEqual([sourceOf(2), sourceOf(1)]);
  reader.close();
  log.close();
});

test("a log has more sources than are kept in memory, and tells all of them apart", () => {
  using folder = temporaryFolder();
  const log = openSample(folder.path, { role: "bus" });
  const count = 10_000;
  const numbers = Array.from({ length: count }, (_, i) => i);
  const lastSig = sampleBytes(1, 64);
  const reader = openLogReader(log.path);
  for (const sequence of [1, 2]) {
    const records = numbers.map((n) => sampleRecord(sequence, { source: sourceOf(n) }));
    const heads = numbers.map((n) => ({ source: sourceOf(n), highest: sequence, lastSig }));
    log.append({ groups: [], records, heads, ranges: [] });
  }
  expect(log.sources()).toEqual(numbers.map((n) => ({ source: sourceOf(n), highest: 2, lastSig })));
  for (const n of [0, count - 1, 5000, 1]) {
    expect(reader.record(sourceOf(n), 2)?.source).toEqual(sourceOf(n));
    expect(reader.head(sourceOf(n))).toEqual({ source: sourceOf(n), highest: 2, lastSig });
  }
  const all = reader.records({ limit: 3 * count });
  expect(all.map(({ source }) => source)).toEqual([...numbers, ...numbers].map(sourceOf));
  expect(reader.records({ limit: count, agents: ["agent-0", "agent-2"] })).toHaveLength(count);
  reader.close();
  log.close();
}, 20_000);

test("a group and ranges of a source that was not met before name it", () => {
  using folder = temporaryFolder();
  const log = openSample(folder.path, { role: "bus" });
  log.append(sampleBatch(1, 2, { source: sourceOf(7), state: "settled" }));
  const range = { source: sourceOf(8), first: 3, last: 4, reason: "missing" as const, sinceMs: 1 };
  log.append({ ...batchOf([]), ranges: [{ op: "add", ...range }] });
  const reader = openLogReader(log.path);
  expect(reader.group(1)?.source).toEqual(sourceOf(7));
  expect(reader.ranges()).toEqual([range]);
  reader.close();
  log.close();
});
