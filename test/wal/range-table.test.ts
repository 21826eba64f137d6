import { expect, test } from "bun:test";
import fc from "fast-check";
import { Connection } from "../../src/wal/connection.ts";
import type { RangeReason, RangeRow } from "../../src/wal/index.ts";
import { RangeReader } from "../../src/wal/range-reader.ts";
import { RangeTable } from "../../src/wal/range-table.ts";
import { migrate } from "../../src/wal/schema.ts";
import { SourceTable } from "../../src/wal/source-table.ts";
import { sampleSource } from "./sample-log.ts";

const otherSource = { agent: "other", epoch: sampleSource.epoch };

/** A table of a log whose sources are 1, the sample, and 2, the other. */
function createTable() {
  const connection = Connection.memory();
  migrate(connection);
  const sources = new SourceTable(connection, "write");
  for (const source of [sampleSource, otherSource]) sources.ensure(source);
  const reader = new RangeReader(connection, sources);
  return { connection, table: new RangeTable(connection), reader, rows: () => reader.all(sampleSource) };
}

const sequences = ({ first, last }: RangeRow): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

test("RangeTable merges what touches and keeps the earlier time", () => {
  const { table, rows } = createTable();
  table.add(1, "missing", 5, 7, 300);
  table.add(1, "missing", 10, 12, 200);
  table.add(1, "missing", 8, 9, 900);
  expect(rows()).toEqual([{ source: sampleSource, first: 5, last: 12, reason: "missing", sinceMs: 200 }]);
});

test("RangeTable keeps apart what does not touch, other reasons and other sources", () => {
  const { table, rows, reader } = createTable();
  table.add(1, "missing", 1, 2, 1);
  table.add(1, "missing", 4, 4, 1);
  table.add(1, "shed", 3, 3, 1);
  table.add(2, "missing", 3, 3, 1);
  expect(rows().map(({ first, last, reason }) => [first, last, reason])).toEqual([
    [1, 2, "missing"],
    [3, 3, "shed"],
    [4, 4, "missing"],
  ]);
  expect(reader.all()).toHaveLength(4);
  expect(reader.all(otherSource)).toMatchObject([{ source: otherSource, first: 3, last: 3 }]);
  expect(reader.all({ agent: "nobody", epoch: "" })).toEqual([]);
});

test("RangeReader gives the newest ranges of one reason, in order, and counts sequences of all sources", () => {
  const { table, reader } = createTable();
  for (const first of [9, 1, 5]) table.add(1, "declared", first, first + 1, 7);
  table.add(1, "missing", 20, 29, 7);
  table.add(2, "missing", 1, 1, 7);
  const firsts = (limit: number) => reader.newest(sampleSource, "declared", limit).map(({ first }) => first);
  expect([firsts(0), firsts(2), firsts(9)]).toEqual([[], [5, 9], [1, 5, 9]]);
  expect(reader.newest({ agent: "nobody", epoch: "" }, "missing", 9)).toEqual([]);
  expect([reader.count("missing"), reader.count("declared"), reader.count("shed")]).toEqual([11, 6, 0]);
});

test("RangeReader counts beyond 64 bits, as far as agents may choose their sequences", () => {
  const { connection, reader } = createTable();
  connection.run(`WITH RECURSIVE source(n) AS (SELECT 3 UNION ALL SELECT n + 1 FROM source WHERE n < 1100)
    INSERT INTO ranges SELECT n, 0, 1, ${Number.MAX_SAFE_INTEGER}, 7 FROM source`);
  expect(reader.count("missing")).toBeGreaterThan(2 ** 63);
});

test("RangeTable splits a range that something is taken out of", () => {
  const { table, rows } = createTable();
  table.add(1, "settled", 1, 100, 7);
  table.remove(1, "settled", 40, 60);
  table.remove(1, "settled", 1, 1);
  table.remove(1, "settled", 100, 200);
  expect(rows().map(({ first, last, sinceMs }) => [first, last, sinceMs])).toEqual([
    [2, 39, 7],
    [61, 99, 7],
  ]);
});

test.each([
  [0, 1],
  [2, 1],
  [1, Number.NaN],
  [1, 2 ** 53],
  [1.5, 2],
])("RangeTable refuses %p to %p", (first, last) => {
  const { table } = createTable();
  expect(() => table.add(1, "missing", first, last, 0)).toThrow("is none");
  expect(() => table.remove(1, "missing", first, last)).toThrow("is none");
});

test("RangeTable holds the same sequences as a set of numbers, in as few ranges as can be", () => {
  const reasons: RangeReason[] = ["missing", "settled"];
  const change = fc.record({
    op: fc.constantFrom("add" as const, "remove" as const),
    reason: fc.constantFrom(...reasons),
    first: fc.integer({ min: 1, max: 60 }),
    length: fc.integer({ min: 1, max: 20 }),
    sinceMs: fc.integer({ min: 0, max: 1000 }),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const { table, rows, connection } = createTable();
      const model = new Map(reasons.map((reason) => [reason, new Map<number, number>()]));
      for (const { op, reason, first, length, sinceMs } of changes) {
        const known = model.get(reason) as Map<number, number>;
        if (op === "add") {
          table.add(1, reason, first, first + length - 1, sinceMs);
          for (let i = first; i < first + length; i += 1) if (!known.has(i)) known.set(i, sinceMs);
        } else {
          table.remove(1, reason, first, first + length - 1);
          for (let i = first; i < first + length; i += 1) known.delete(i);
        }
      }
      for (const reason of reasons) {
        const found = rows().filter((row) => row.reason === reason);
        const known = model.get(reason) as Map<number, number>;
        expect(found.flatMap(sequences)).toEqual([...known.keys()].sort((a, b) => a - b));
        const touching = found.filter((row, i) => found[i + 1]?.first === row.last + 1);
        expect(touching).toEqual([]);
      }
      connection.close();
    }),
    { numRuns: 200 },
  );
});
