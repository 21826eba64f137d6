import { expect, test } from "bun:test";
import { join } from "node:path";
import { Connection } from "../../src/wal/connection.ts";
import { assertEngine, configureWriter, engineVersion } from "../../src/wal/engine.ts";
import { temporaryFolder } from "./sample-log.ts";

test.each(["3.51.3", "3.51.10", "3.52.0", "3.54.1", "4.0.0"])("assertEngine takes SQLite %s", (version) => {
  expect(() => assertEngine(version)).not.toThrow();
});

test.each(["3.51.2", "3.43.2", "3.7.0", "2.99.99", "3.51", "", "unknown"])("assertEngine refuses %p", (version) => {
  expect(() => assertEngine(version)).toThrow(expect.objectContaining({ code: "facility_missing" }));
});

test("engineVersion is one that assertEngine takes", () => {
  expect(() => assertEngine(engineVersion())).not.toThrow();
});

test("configureWriter leaves a connection that syncs every commit and never writes back by itself", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "a.db");
  const connection = Connection.writable(path);
  configureWriter(connection, path, 1 << 20);
  const pragma = (name: string) => connection.scalar<number | string>(`PRAGMA ${name}`);
  expect(pragma("journal_mode")).toBe("wal");
  expect(pragma("synchronous")).toBe(2);
  expect(pragma("wal_autocheckpoint")).toBe(0);
  expect(pragma("trusted_schema")).toBe(0);
  connection.close();
});

test("configureWriter refuses a database that can have no write-ahead log", () => {
  const connection = Connection.memory();
  expect(() => configureWriter(connection, ":memory:", 1)).toThrow(expect.objectContaining({ code: "log_io" }));
  connection.close();
});
