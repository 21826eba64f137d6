import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEpoch } from "../../src/delivery/epoch.ts";
import { type Log, openLog } from "../../src/wal/index.ts";

const folder = mkdtempSync(join(tmpdir(), "amoskys-epoch-"));
let log: Log;

function open(): Log {
  log = openLog({ path: join(folder, "agent.db"), role: "agent", budgetBytes: 1 << 20 });
  return log;
}

afterEach(() => {
  log.close();
  rmSync(folder, { recursive: true, force: true });
});

test("openEpoch draws 64 random bits once for a log, and never the epoch that stands for none", () => {
  const draws = [new Uint8Array(8), new Uint8Array(8).fill(0xab)];
  const first = openEpoch(open(), () => draws.shift() as Uint8Array);
  expect([first, draws.length]).toEqual(["ab".repeat(8), 0]);
  log.close();
  expect(openEpoch(open())).toBe(first);
});
