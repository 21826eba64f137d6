import { expect, test } from "bun:test";
import { join } from "node:path";
import { openLogReader } from "../../src/wal/index.ts";
import { takeWriterLock } from "../../src/wal/writer-lock.ts";
import { openSample, sampleBatch, temporaryFolder } from "./sample-log.ts";

const child = join(import.meta.dir, "appending-child.ts");

test("a second writer in the same process is refused with its own name", () => {
  using folder = temporaryFolder();
  const log = openSample(folder.path);
  const refused = expect.objectContaining({ code: "log_locked", message: expect.stringContaining("this process") });
  expect(() => openSample(folder.path)).toThrow(refused);
  log.append(sampleBatch(1, 1));
  log.close();
  openSample(folder.path).close();
});

test("a second writer is told which process is the first, and gets in as soon as that is killed", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "sample.db");
  const first = Bun.spawn([process.execPath, child, path], { stdout: "pipe" });
  const reader = first.stdout.getReader();
  await reader.read();
  const refused = { code: "log_locked", details: { path, pid: first.pid }, exitStatus: 11 };
  expect(() => openSample(folder.path)).toThrow(expect.objectContaining(refused));
  const beside = openLogReader(path);
  expect(beside.stats().records).toBeGreaterThan(0);
  beside.close();
  first.kill("SIGKILL");
  await first.exited;
  reader.releaseLock();
  const log = openSample(folder.path);
  expect(log.recovery).toBeUndefined();
  log.close();
});

test("takeWriterLock gives the lock back when it is released", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "x.db");
  for (let i = 0; i < 3; i += 1) {
    const lock = takeWriterLock(path);
    expect(() => takeWriterLock(path)).toThrow(expect.objectContaining({ code: "log_locked" }));
    lock.release();
  }
});
