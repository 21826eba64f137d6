import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkStructure, openLog, openLogReader } from "../../src/wal/index.ts";
import { diskAfter, type FileOperation, layOut, recordWrites, type Unsynced } from "./recorded-writes.ts";
import { openSample, sampleBatch, sampleBytes, settleGroup, temporaryFolder } from "./sample-log.ts";

const child = join(import.meta.dir, "appending-child.ts");
const long = process.env.AMOSKYS_LONG === "1";
const strace = Bun.which("strace");

/** Small numbers that look random and are the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Opens the log and answers how often each sequence is accounted for, as a record with the right bytes or settled. */
function accounts(path: string): { times: Map<number, number>; recovered: boolean; faults: unknown[] } {
  const log = openLog({ path, role: "agent", budgetBytes: 1 << 30 });
  const recovered = log.recovery !== undefined;
  log.close();
  const times = new Map<number, number>();
  const add = (sequence: number) => times.set(sequence, (times.get(sequence) ?? 0) + 1);
  const reader = openLogReader(path);
  for (const { first, last } of reader.ranges()) for (let i = first; i <= last; i += 1) add(i);
  for (const { sequence, bytes } of reader.records({ limit: 1_000_000 })) {
    if (Buffer.compare(bytes, sampleBytes(sequence, 300)) === 0) add(sequence);
  }
  reader.close();
  return { times, recovered, faults: [...checkStructure(path)].flatMap((fact) => fact.faults as readonly unknown[]) };
}

/** Sequences of acknowledged groups that are not there exactly once. */
function lostOf(acked: readonly number[], times: ReadonlyMap<number, number>): number[] {
  return acked.flatMap((first) => [first, first + 1, first + 2]).filter((sequence) => times.get(sequence) !== 1);
}

/** Kills the appending process some time after it has started or, `working`, after its first append. */
async function appendUntilKilled(path: string, afterMs: number, working: boolean): Promise<string[]> {
  const process_ = Bun.spawn([process.execPath, child, path], { stdout: "pipe" });
  let text = "";
  let timer = working ? undefined : setTimeout(() => process_.kill("SIGKILL"), afterMs);
  for await (const chunk of process_.stdout) {
    text += Buffer.from(chunk).toString();
    timer ??= setTimeout(() => process_.kill("SIGKILL"), afterMs);
  }
  await process_.exited;
  clearTimeout(timer);
  return text.split("\n");
}

describe("kill -9", () => {
  test(
    "loses nothing that was acknowledged and doubles nothing, round after round on one log",
    async () => {
      using folder = temporaryFolder();
      const path = join(folder.path, "sample.db");
      const random = seeded(7);
      const acked: number[] = [];
      let before = 0;
      for (let round = 0; round < (long ? 100 : 20); round += 1) {
        const working = round % 2 === 0;
        const lines = await appendUntilKilled(path, (working ? 1 : 50) + random() * 120, working);
        for (const line of lines) if (line.startsWith("ack ")) acked.push(Number(line.slice(4)));
        expect(lines.filter((line) => line.startsWith("error"))).toEqual([]);
        if (!existsSync(path)) continue;
        const { times, recovered, faults } = accounts(path);
        expect({ lost: lostOf(acked, times), recovered, faults }).toEqual({ lost: [], recovered: false, faults: [] });
        // one group a round may have been committed and not been told of any more
        const highest = Math.max(0, ...times.keys());
        expect(highest).toBeLessThanOrEqual(Math.max(before, (acked.at(-1) ?? 0) + 2) + 3);
        before = highest;
      }
      expect(acked.length).toBeGreaterThan(10);
    },
    long ? 600_000 : 60_000,
  );
});

describe("power cut", () => {
  /** Operations of a run with checkpoints, settling and pruning. */
  function record(): FileOperation[] {
    using folder = temporaryFolder();
    const where = join(folder.path, "run");
    mkdirSync(where);
    const command = [process.execPath, child, join(where, "sample.db"), "45", "65536"];
    return recordWrites(command, where) as FileOperation[];
  }

  interface Verdict {
    images: number;
    lost: number;
    recovered: number;
    faulty: number;
  }

  function judge(operations: readonly FileOperation[], every: number): Verdict {
    // in memory, where there is such a place: thousands of images are opened and thrown away
    using disk = temporaryFolder(existsSync("/dev/shm") ? "/dev/shm" : undefined);
    const verdict: Verdict = { images: 0, lost: 0, recovered: 0, faulty: 0 };
    const random = seeded(11);
    const modes: readonly Unsynced[] = ["none", "some", "all"];
    for (let end = every; end <= operations.length; end += every) {
      for (const mode of modes) {
        const { files, acked } = diskAfter(operations, end, mode, random);
        layOut(disk.path, files);
        const { times, recovered, faults } = accounts(join(disk.path, "sample.db"));
        verdict.images += 1;
        if (lostOf(acked, times).length > 0) verdict.lost += 1;
        if (recovered) verdict.recovered += 1;
        if (faults.length > 0) verdict.faulty += 1;
      }
    }
    return verdict;
  }

  /**
   * What SQLite does with synchronous=NORMAL: it syncs the write-ahead file before it is written back, not at commits.
   */
  function withoutCommitSyncs(operations: readonly FileOperation[]): FileOperation[] {
    return operations.filter((operation, i) => {
      const next = operations[i + 1];
      const isWal = operation.do === "sync" && operation.file.endsWith("-wal");
      return !isWal || (next?.do === "write" && !next.file.endsWith("-wal"));
    });
  }

  test.skipIf(!strace)(
    "leaves every acknowledged record at every moment, whichever unsynced writes reached the disk",
    () => {
      const operations = record();
      const acks = operations.filter((operation) => operation.do === "ack").length;
      expect(acks).toBe(45);
      const verdict = judge(operations, long ? 1 : 30);
      expect(verdict).toEqual({ images: verdict.images, lost: 0, recovered: 0, faulty: 0 });
      expect(verdict.images).toBeGreaterThan(50);
      expect(judge(withoutCommitSyncs(operations), long ? 5 : 90).lost).toBeGreaterThan(3);
    },
    long ? 900_000 : 120_000,
  );
});

describe("an I/O error", () => {
  function runWith(fault: string, path: string): string[] {
    const [call = ""] = fault.split(":");
    const options = ["-f", "-qq", "-o", "/dev/null", "-e", `trace=${call}`, "-e", `inject=${fault}`];
    const command = [strace as string, ...options, process.execPath, child, path, "40"];
    return Bun.spawnSync(command, { stdout: "pipe" }).stdout.toString().trim().split("\n");
  }

  test.skipIf(!strace).each([16, 19, 25, 31, 44])(
    "of sync number %d ends all acknowledging, and loses nothing acknowledged before",
    (number) => {
      using folder = temporaryFolder();
      const path = join(folder.path, "sample.db");
      const lines = runWith(`fsync:error=EIO:when=${number}`, path);
      const first = lines.findIndex((line) => line.startsWith("error"));
      expect(first).toBeGreaterThan(0);
      expect(lines.slice(first).filter((line) => line !== "error log_io")).toEqual([]);
      const acked = lines.slice(0, first).map((line) => Number(line.slice(4)));
      const { times, recovered, faults } = accounts(path);
      expect({ lost: lostOf(acked, times), recovered, faults }).toEqual({ lost: [], recovered: false, faults: [] });
    },
    30_000,
  );

  test.skipIf(!strace)(
    "of a write is the end too",
    () => {
      using folder = temporaryFolder();
      const lines = runWith("pwrite64:error=EIO:when=120", join(folder.path, "sample.db"));
      const first = lines.findIndex((line) => line.startsWith("error"));
      expect(first).toBeGreaterThan(0);
      expect(new Set(lines.slice(first))).toEqual(new Set(["error log_io"]));
    },
    30_000,
  );

  test.skipIf(!strace)(
    "of a full disk is not: what fails is tried again and stored once",
    () => {
      using folder = temporaryFolder();
      const path = join(folder.path, "sample.db");
      const lines = runWith("pwrite64:error=ENOSPC:when=120..140", path);
      expect(lines.filter((line) => line === "error disk_full").length).toBeGreaterThan(0);
      expect(lines.filter((line) => line.startsWith("error") && line !== "error disk_full")).toEqual([]);
      expect(lines.at(-1)).toStartWith("ack");
      const acked = lines.filter((line) => line.startsWith("ack")).map((line) => Number(line.slice(4)));
      const { times, faults } = accounts(path);
      expect({ lost: lostOf(acked, times), faults }).toEqual({ lost: [], faults: [] });
    },
    30_000,
  );

  if (!strace) process.stderr.write("skipped: strace is not here, no faults are injected\n");
});

describe("files that go away under a log", () => {
  const gone = expect.objectContaining({ code: "log_io", message: expect.stringContaining("deleted or replaced") });
  const changes: readonly (readonly [string, (path: string) => void])[] = [
    ["the database is deleted", (path) => rmSync(path)],
    ["the write-ahead file is deleted", (path) => rmSync(`${path}-wal`)],
    ["the database is renamed", (path) => renameSync(path, `${path}.moved`)],
    [
      "another file takes the place of the write-ahead file",
      (path) => {
        writeFileSync(`${path}.new`, "x");
        renameSync(`${path}.new`, `${path}-wal`);
      },
    ],
  ];

  test.each(changes)("are noticed before anything is acknowledged when %s", (_what, change) => {
    using folder = temporaryFolder();
    const log = openSample(folder.path);
    log.append(sampleBatch(1, 3));
    change(log.path);
    expect(() => log.append(sampleBatch(4, 3))).toThrow(gone);
    const stopped = expect.objectContaining({ code: "log_io", message: expect.stringContaining("no more writes") });
    expect(() => log.append(sampleBatch(7, 3))).toThrow(stopped);
    expect(() => settleGroup(log, 1)).toThrow(stopped);
    expect(() => log.prune()).toThrow(stopped);
    expect(() => log.checkpoint()).toThrow(stopped);
    log.close();
  });
});
