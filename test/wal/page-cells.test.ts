import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { Connection } from "../../src/wal/connection.ts";
import { type Cell, readCells } from "../../src/wal/page-cells.ts";
import { temporaryFolder } from "./sample-log.ts";

const pageBytes = 4096;

/** Every cell of every page of a database file. */
function cellsOf(file: Uint8Array): Cell[] {
  const page = (number: number) => {
    const start = (number - 1) * pageBytes;
    return number >= 1 && start + pageBytes <= file.length ? file.subarray(start, start + pageBytes) : undefined;
  };
  const cells: Cell[] = [];
  for (let number = 1; ; number += 1) {
    const bytes = page(number);
    if (!bytes) return cells;
    cells.push(...readCells(bytes, number, page));
  }
}

function writeTable(rows: readonly unknown[]): Uint8Array {
  using folder = temporaryFolder();
  const path = join(folder.path, "cells.db");
  const connection = Connection.writable(path);
  connection.run(`PRAGMA page_size = ${pageBytes}`);
  connection.run("CREATE TABLE t (id INTEGER PRIMARY KEY, marker TEXT, value ANY) STRICT");
  connection.transact(() => {
    for (const [i, row] of rows.entries()) connection.all("INSERT INTO t VALUES (?, 'mark', ?)", i + 1, row as never);
  });
  connection.close();
  return new Uint8Array(readFileSync(path));
}

const valuesIn = (cells: readonly Cell[]) =>
  new Map(cells.filter(({ values }) => values[1] === "mark").map(({ rowId, values }) => [rowId, values[2]]));

test("readCells reads every value that SQLite can write, from pages and from what overflows", () => {
  const int = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.integer(),
    fc.constantFrom(0, 1, -1, 127, 128, -128, 32_767, 32_768, 8_388_607, 8_388_608, 2 ** 31, 2 ** 47, -(2 ** 47)),
  );
  const value = fc.oneof(
    int,
    fc.constant(null),
    fc.string({ unit: "grapheme", maxLength: 50 }),
    fc.uint8Array({ maxLength: 100 }),
    fc.integer({ min: 3000, max: 13_000 }).map((length) => new Uint8Array(length).fill(length % 256)),
  );
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 30 }), (rows) => {
      const found = valuesIn(cellsOf(writeTable(rows)));
      expect(found.size).toBe(rows.length);
      for (const [i, row] of rows.entries()) {
        const read = found.get(i + 1);
        if (typeof row === "number" || typeof row === "bigint") expect(BigInt(read as number)).toBe(BigInt(row));
        else expect(read as unknown).toEqual(row);
      }
    }),
    { numRuns: 25 },
  );
});

test("readCells reads no more than there is, whatever the page holds", () => {
  const file = writeTable(Array.from({ length: 60 }, (_, i) => new Uint8Array(i * 90).fill(i)));
  const long = process.env.AMOSKYS_LONG === "1";
  const edit = fc.record({ at: fc.nat(file.length - 1), byte: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 30 }), fc.nat(file.length), (edits, cut) => {
      const damaged = file.slice(0, cut % 3 === 0 ? cut : file.length);
      for (const { at, byte } of edits) if (at < damaged.length) damaged[at] = byte;
      for (const cell of cellsOf(damaged)) expect(cell.values.length).toBeLessThan(200);
    }),
    { numRuns: long ? 4000 : 80 },
  );
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: pageBytes, maxLength: pageBytes }),
      fc.constantFrom(13, 10, 2),
      (page, type) => {
        page[0] = type;
        readCells(page, 2, () => page);
      },
    ),
    { numRuns: long ? 20_000 : 200 },
  );
}, 600_000);

test("readCells follows a chain of pages that goes round no longer than the value is", () => {
  const file = writeTable([new Uint8Array(20_000).fill(7)]);
  for (let at = 2 * pageBytes; at < file.length; at += pageBytes) new DataView(file.buffer).setUint32(at, 3);
  const found = valuesIn(cellsOf(file)).get(1) as Uint8Array;
  expect(found.length).toBe(20_000);
});
