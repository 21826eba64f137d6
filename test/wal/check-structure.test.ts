import { describe, expect, test } from "bun:test";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { blake2b256 } from "../../src/core/hashes.ts";
import { Connection } from "../../src/wal/connection.ts";
import { checkStructure, type StructureFact } from "../../src/wal/index.ts";
import { openSample, sampleBatch, sampleBytes, settleGroup, temporaryFolder } from "./sample-log.ts";

/** A closed log of 12 groups of 5, the second one pruned, with a parked record in the third. */
function writeSample(folder: string): string {
  const log = openSample(folder);
  for (let i = 0; i < 12; i += 1) log.append(sampleBatch(i * 5 + 1, 5));
  settleGroup(log, 2);
  log.settle([{ id: 12, state: "parked", code: "bad_signature", reason: "", standalone: sampleBytes(12, 90) }]);
  log.prune();
  log.close();
  return log.path;
}

function check(path: string): { records: string[]; log: string[]; seen: number } {
  const facts = [...checkStructure(path)];
  const isRecord = (fact: StructureFact) => fact.type === "record";
  return {
    records: facts.filter(isRecord).flatMap((fact) => (fact.faults as string[]).map((f) => `${fact.record.id} ${f}`)),
    log: facts.flatMap((fact) => (fact.type === "log" ? fact.faults.map(({ fault }) => fault) : [])),
    seen: facts.filter(isRecord).length,
  };
}

function swap(db: Connection, one: number, two: number): void {
  db.run(`UPDATE records SET id = -1 WHERE id = ${one}; UPDATE records SET id = ${one} WHERE id = ${two}`);
  db.run(`UPDATE records SET id = ${two} WHERE id = -1`);
}

test("checkStructure finds nothing in a log that is as it was written", () => {
  using folder = temporaryFolder();
  const path = writeSample(folder.path);
  expect(check(path)).toEqual({ records: [], log: [], seen: 55 });
  const last = [...checkStructure(path)].at(-1);
  expect(last).toMatchObject({ type: "log", records: 55, treeSize: 60 });
});

describe("checkStructure finds", () => {
  const other = sampleBytes(999);
  const tampering: readonly (readonly [string, (db: Connection) => void, records: string[], log: string[]])[] = [
    [
      "changed bytes",
      (db) => db.run("UPDATE records SET bytes = x'00' WHERE id = 30"),
      ["30 digest"],
      ["tree", "totals"],
    ],
    [
      "changed bytes with their digest",
      (db) => {
        const bytes = sampleBytes(30);
        bytes[20] = 255;
        db.all("UPDATE records SET bytes = ?, digest = ? WHERE id = 30", bytes, blake2b256(bytes));
      },
      [],
      ["tree"],
    ],
    ["a record taken out", (db) => db.run("DELETE FROM records WHERE id = 33"), [], ["tree", "totals", "totals"]],
    [
      "a record put in",
      (db) => {
        const columns = "source, group_id, ts_ns, received_ns, kind, form, trust, state";
        db.all(
          `INSERT INTO records (id, sequence, digest, bytes, ${columns})
            SELECT 61, 61, ?, ?, ${columns} FROM records WHERE id = 60`,
          blake2b256(other),
          other,
        );
      },
      ["61 group"],
      ["tree", "totals"],
    ],
    [
      "two records of two groups that changed places",
      (db) => swap(db, 40, 41),
      ["40 group", "41 group"],
      ["tree", "totals"],
    ],
    ["two records of a group that changed places", (db) => swap(db, 42, 43), ["43 order"], ["tree"]],
    ["a tail cut off", (db) => db.run("DELETE FROM records WHERE id > 50"), [], ["tree", "totals", "totals"]],
    [
      "a tail cut off with the totals made to fit",
      (db) => {
        db.run("DELETE FROM records WHERE id > 55; DELETE FROM groups WHERE id = 12");
        db.run(`UPDATE ledger SET last_id = 55, pending = pending - 5,
          pending_bytes = (SELECT sum(length(bytes)) FROM records WHERE state = 0)`);
      },
      [],
      ["tree"],
    ],
    [
      "a record of another source",
      (db) => {
        db.run("INSERT INTO sources VALUES (9, 'other', '', 5, x'')");
        db.run("UPDATE records SET source = 9 WHERE id = 22");
      },
      ["22 group"],
      [],
    ],
    [
      "a group that is gone",
      (db) => db.run("DELETE FROM groups WHERE id = 5"),
      [21, 22, 23, 24, 25].map((id) => `${id} group`),
      [],
    ],
    [
      "a state that was changed",
      (db) => db.run("UPDATE records SET state = 1 WHERE id = 22"),
      [],
      ["totals", "totals", "totals"],
    ],
    ["a kind that is none", (db) => db.run("UPDATE records SET kind = 77 WHERE id = 22"), [], ["unreadable"]],
    ["a record of no source", (db) => db.run("UPDATE records SET source = 77 WHERE id = 22"), [], ["unreadable"]],
    [
      "a trigger",
      (db) => db.run("CREATE TRIGGER t AFTER INSERT ON records BEGIN DELETE FROM records; END"),
      [],
      ["schema"],
    ],
    ["an index that is gone", (db) => db.run("DROP INDEX records_by_time"), [], ["schema"]],
    ["a tree that was changed", (db) => db.run("UPDATE ledger SET tree_size = 59"), [], ["tree"]],
    ["a leaf of a pruned record that is gone", (db) => db.run("DELETE FROM pruned_leaves WHERE id = 7"), [], ["tree"]],
  ];

  test.each(tampering)("%s", (_what, change, records, log) => {
    using folder = temporaryFolder();
    const path = writeSample(folder.path);
    const connection = Connection.writable(path);
    change(connection);
    connection.close();
    const found = check(path);
    expect({ records: found.records, log: found.log }).toEqual({ records, log });
  });

  /** Whether there are faults, or so much is gone that the log cannot be read at all. */
  function damageFound(path: string): boolean {
    try {
      return check(path).log.length > 0;
    } catch (caught) {
      return (caught as { code?: string }).code === "log_corrupt";
    }
  }

  test("a page that is zero, wherever it is", () => {
    using folder = temporaryFolder();
    const path = writeSample(folder.path);
    const bytes = readFileSync(path);
    for (let page = 2; page < bytes.length / 4096; page += 1) {
      const damaged = Buffer.from(bytes);
      if (damaged.subarray(page * 4096, page * 4096 + 4096).every((byte) => byte === 0)) continue;
      damaged.fill(0, page * 4096, page * 4096 + 4096);
      writeFileSync(path, damaged);
      expect(damageFound(path)).toBe(true);
    }
  });

  test("a broken write-ahead file", () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path);
    for (let i = 0; i < 12; i += 1) log.append(sampleBatch(i * 5 + 1, 5));
    const path = join(folder.path, "copy.db");
    for (const suffix of ["", "-wal"]) copyFileSync(log.path + suffix, path + suffix);
    log.close();
    const wal = readFileSync(`${path}-wal`);
    wal[32 + 30 * 4120 + 500] = (wal[32 + 30 * 4120 + 500] as number) ^ 1;
    writeFileSync(`${path}-wal`, wal);
    expect(check(path).log).toContain("write_ahead");
  });
});

test("checkStructure finds nothing in a log that is appended to, settled and pruned at the same time", () => {
  using folder = temporaryFolder();
  const log = openSample(folder.path, { checkpointBytes: 65_536 });
  for (let i = 0; i < 300; i += 1) log.append(sampleBatch(i * 5 + 1, 5));
  let seen = 0;
  const faults: unknown[] = [];
  for (const fact of checkStructure(log.path)) {
    faults.push(...fact.faults);
    seen += 1;
    if (seen % 100 !== 0) continue;
    const group = log.nextGroup(seen / 10);
    if (group) settleGroup(log, group.id);
    if (log.group(seen / 100)) settleGroup(log, seen / 100);
    log.append(sampleBatch(1500 + seen, 5));
    if (seen % 300 === 0) log.prune();
  }
  expect(faults).toEqual([]);
  expect(seen).toBeGreaterThan(1400);
  log.close();
});
