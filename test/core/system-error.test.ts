import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { outputError, statOf, systemError } from "../../src/core/system-error.ts";

function caughtBy(call: () => unknown): unknown {
  try {
    return call();
  } catch (caught) {
    return caught;
  }
}

const refusal = (code: string, path?: string) => Object.assign(new Error(code), { code, path });

describe("systemError", () => {
  test("names the path, says why, and what to do", () => {
    const missing = systemError(caughtBy(() => readdirSync("/nonexistent/certs")));
    expect(missing).toMatchObject({ code: "file_missing", message: "/nonexistent/certs: there is no such file" });
    expect(missing?.hint).toBe("ls -ld /");
    expect(
      systemError(
        caughtBy(() => readFileSync("/")),
        "/",
      ),
    ).toMatchObject({ code: "usage" });
    expect(systemError(refusal("EACCES", "/root/x"))).toMatchObject({ code: "privilege_missing", exitStatus: 14 });
    expect(systemError(refusal("ENOSPC", "/x"))).toMatchObject({ code: "disk_full", retryable: true });
  });

  test("leaves what is no refusal of the file system", () => {
    expect(systemError(new Error("boom"), "/x")).toBeUndefined();
    expect(systemError(refusal("ECONNREFUSED"), "/x")).toBeUndefined();
    expect(systemError(refusal("EACCES"))).toBeUndefined();
  });
});

test("statOf answers undefined for what is missing", () => {
  expect(statOf("/nonexistent")).toBeUndefined();
  expect(statOf("/etc/passwd/x")).toBeUndefined();
  expect(statOf("/etc")?.isDirectory()).toBe(true);
});

test("outputError tells a reader that has gone from what cannot be written", () => {
  expect(outputError(refusal("EPIPE"))).toMatchObject({ code: "output_closed", exitStatus: 141 });
  expect(outputError(refusal("ENOSPC"))).toMatchObject({ code: "output_failed", exitStatus: 1 });
});
