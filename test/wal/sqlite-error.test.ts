import { expect, test } from "bun:test";
import { AmoskysError, type ErrorCode } from "../../src/core/errors.ts";
import { endsWriting, logError } from "../../src/wal/sqlite-error.ts";

const table: readonly (readonly [string, ErrorCode, ends: boolean])[] = [
  ["SQLITE_FULL", "disk_full", false],
  ["SQLITE_IOERR_SHMSIZE", "disk_full", false],
  ["ENOSPC", "disk_full", false],
  ["EDQUOT", "disk_full", false],
  ["SQLITE_IOERR_FSYNC", "log_io", true],
  ["SQLITE_IOERR_WRITE", "log_io", true],
  ["SQLITE_IOERR_READ", "log_io", true],
  ["SQLITE_READONLY_DBMOVED", "log_io", true],
  ["SQLITE_CANTOPEN_SYMLINK", "log_io", true],
  ["SQLITE_CORRUPT", "log_corrupt", true],
  ["SQLITE_CORRUPT_INDEX", "log_corrupt", true],
  ["SQLITE_IOERR_CORRUPTFS", "log_corrupt", true],
  ["SQLITE_NOTADB", "log_corrupt", true],
  ["SQLITE_BUSY", "log_locked", false],
  ["SQLITE_BUSY_SNAPSHOT", "log_locked", false],
  ["SQLITE_CONSTRAINT_UNIQUE", "internal", false],
  ["SQLITE_NOMEM", "internal", false],
];

test.each(table)("logError of %s is %s", (name, code, ends) => {
  const error = logError(Object.assign(new Error("why"), { code: name }), "/data/$&.db");
  expect(error).toMatchObject({ code, details: { sqlite: name } });
  expect(error.message).toContain("/data/$&.db");
  expect(endsWriting(error)).toBe(ends);
});

test("logError names the log in the next command, and leaves our own errors as they are", () => {
  const damaged = logError(Object.assign(new Error("why"), { code: "SQLITE_CORRUPT" }), "/data/$&.db");
  expect(damaged.hint).toBe("amoskys wal verify /data/$&.db");
  const own = new AmoskysError("usage", "x");
  expect(logError(own, "p")).toBe(own);
  expect(logError("text", "p")).toMatchObject({ code: "internal", message: "log p: text" });
});
