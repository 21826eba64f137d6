import { expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { Connection } from "../../src/wal/connection.ts";
import { checkStructure, openLog, openLogReader } from "../../src/wal/index.ts";
import { applicationId, assertKnownVersion, migrate, schemaVersion } from "../../src/wal/schema.ts";
import { sampleBatch, sampleBytes, sampleSource, temporaryFolder } from "./sample-log.ts";
import { writeFixture } from "./version-fixture.ts";

const fixtureOf = (version: number) => join(import.meta.dir, `../fixtures/wal-v${version}.db`);
if (process.env.AMOSKYS_WRITE_FIXTURE === "1") writeFixture(fixtureOf(schemaVersion));

// One file for each schema version there has been, made by the code of its day, and one made now.
const versions = Array.from({ length: schemaVersion }, (_, i) => i + 1);
test.each([...versions, "now"])("a log of schema version %p opens", (version) => {
  using folder = temporaryFolder();
  const path = join(folder.path, "old.db");
  if (typeof version === "number") copyFileSync(fixtureOf(version), path);
  else writeFixture(path);
  const log = openLog({ path, role: "agent", budgetBytes: 1 << 30 });
  expect(log.recovery).toBeUndefined();
  expect(log.stats()).toMatchObject({ records: 9, pending: 4, settled: 3, parked: 2, treeSize: 12, highest: 12 });
  expect(log.meta("epoch")).toBe(sampleSource.epoch);
  expect(log.sources()).toEqual([{ source: sampleSource, highest: 14, lastSig: sampleBytes(9, 64) }]);
  expect(log.ranges().map(({ first, last, reason }) => [first, last, reason])).toEqual([
    [1, 3, "settled"],
    [13, 14, "burnt"],
  ]);
  const group = log.nextGroup(0);
  expect(group).toMatchObject({ id: 2, tries: 1, lastCode: "overload", size: 5 });
  expect(group?.records.map(({ state }) => state)).toEqual(["settled", "settled", "settled", "parked", "pending"]);
  log.append(sampleBatch(15, 2));
  expect(log.stats().pending).toBe(6);
  log.close();
  const reader = openLogReader(path);
  expect(reader.records({ limit: 100 }).map(({ id, intact }) => [id, intact])).toEqual(
    [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14].map((id) => [id, true]),
  );
  reader.close();
  const last = [...checkStructure(path)].at(-1);
  expect(last).toMatchObject({ type: "log", faults: [] });
});

test("migrate takes every step once, each whole or not at all", () => {
  const connection = Connection.memory();
  const steps = ["CREATE TABLE a (x) STRICT_NOT", "CREATE TABLE b (x)"];
  expect(() => migrate(connection, steps)).toThrow();
  expect(connection.scalar<number>("PRAGMA user_version")).toBe(0);
  const good = ["CREATE TABLE a (x); CREATE TABLE aa (x)", "CREATE TABLE b (x)"];
  expect(() => migrate(connection, [good[0] as string, "CREATE TABLE c (x); SYNTAX"])).toThrow();
  expect(connection.scalar<number>("PRAGMA user_version")).toBe(1);
  expect(connection.scalar<number>("SELECT count(*) FROM sqlite_schema WHERE name = 'c'")).toBe(0);
  migrate(connection, good);
  migrate(connection, good);
  expect(connection.scalar<number>("PRAGMA user_version")).toBe(2);
  expect(connection.scalar<number>("PRAGMA application_id")).toBe(applicationId);
  connection.close();
});

test("assertKnownVersion refuses a log of a later version", () => {
  expect(() => assertKnownVersion("x.db", schemaVersion)).not.toThrow();
  const later = expect.objectContaining({ code: "log_foreign", message: expect.stringContaining("schema version") });
  expect(() => assertKnownVersion("x.db", schemaVersion + 1)).toThrow(later);
});
