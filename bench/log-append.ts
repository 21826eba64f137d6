/**
 * How fast a log takes records: rows a second at several sizes of a commit, each commit synced, beside a loop of this
 * machine's own write and fdatasync of 4 KiB, measured in turn with it. "cycle" appends, reads, settles and prunes, as
 * an
 * agent does; "thread" appends through a worker thread with four batches in flight, as the bus does. Records of 300
 * bytes; a warm-up, then the median of the runs. "cpu us" is processor time a row, "in sha256" the same counted in
 * SHA-256 of one such record, measured in turn with it: that ratio holds on a busy machine too, rows a second do not.
 *
 *   bun bench/log-append.ts [--json] [--runs N] [--ms N] [--dir DIR]
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { sha256 } from "../src/core/hashes.ts";
import type { AppendBatch, Log, LogWriter } from "../src/wal/index.ts";
import { createLogWriter, openLog } from "../src/wal/index.ts";

const { values: flags } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    runs: { type: "string", default: "5" },
    ms: { type: "string", default: "1000" },
    dir: { type: "string", default: tmpdir() },
  },
});
const runs = Number(flags.runs);
const runMs = Number(flags.ms);
const recordBytes = 300;

interface Case {
  readonly name: "append" | "cycle" | "thread";
  readonly rows: number;
}

interface Sample {
  readonly rowsPerSecond: number;
  readonly commitsPerSecond: number;
  readonly cpuUsPerRow: number;
  readonly rowInHashes: number;
  readonly rawSyncsPerSecond: number;
}

const cases: readonly Case[] = [
  { name: "append", rows: 1 },
  { name: "append", rows: 32 },
  { name: "append", rows: 128 },
  { name: "append", rows: 512 },
  { name: "cycle", rows: 128 },
  { name: "thread", rows: 128 },
];

const source = { agent: "agent", epoch: "0123456789abcdef" };
const bytes = crypto.getRandomValues(new Uint8Array(recordBytes));
const signature = crypto.getRandomValues(new Uint8Array(64));
let next = 1;

function batchOf(rows: number): AppendBatch {
  const first = next;
  next += rows;
  const tsNs = 1_800_000_000_000_000_000n + BigInt(first);
  return {
    groups: [{ source, firstSequence: first, size: rows, sig: signature, prevSig: signature }],
    records: Array.from({ length: rows }, (_, i) => ({
      source,
      sequence: first + i,
      tsNs: tsNs + BigInt(i),
      receivedNs: tsNs,
      kind: "flow",
      form: "leaf",
      trust: "verified",
      state: "pending",
      bytes,
      group: 0,
    })),
    heads: [{ source, highest: next - 1, lastSig: signature }],
    ranges: [],
  };
}

/** Writes and syncs 4 KiB again and again; answers how often a second. */
function rawSyncs(fd: number): number {
  const page = crypto.getRandomValues(new Uint8Array(4096));
  const startMs = performance.now();
  let count = 0;
  for (; performance.now() - startMs < runMs / 4; count += 1) {
    writeSync(fd, page, 0, page.length, (count % 1024) * page.length);
    fdatasyncSync(fd);
  }
  return count / ((performance.now() - startMs) / 1000);
}

/** Processor time of one SHA-256 of a record. */
function hashCpuUs(): number {
  const rounds = 50_000;
  const cpu = process.cpuUsage();
  for (let i = 0; i < rounds; i += 1) sha256(bytes);
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / rounds;
}

/** Repeats one commit for the time of a run; answers how many there were. */
async function repeat(commit: () => void | Promise<void>): Promise<number> {
  const startMs = performance.now();
  let commits = 0;
  for (; performance.now() - startMs < runMs; commits += 1) await commit();
  return commits;
}

function cycle(log: Log, rows: number): void {
  const { groupIds } = log.append(batchOf(rows));
  const group = log.nextGroup((groupIds[0] as number) - 1);
  log.settle((group?.records ?? []).map(({ id }) => ({ id, state: "settled", code: "stored", reason: "" })));
  log.prune();
}

function threaded(writer: LogWriter, rows: number): () => Promise<void> {
  const waiting: Promise<unknown>[] = [];
  return async () => {
    waiting.push(writer.append(batchOf(rows)));
    if (waiting.length >= 4) await waiting.shift();
  };
}

async function sample(commit: () => void | Promise<void>, rows: number, fd: number): Promise<Sample> {
  const rawSyncsPerSecond = rawSyncs(fd);
  const hashBefore = hashCpuUs();
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  const commits = await repeat(commit);
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const cpuUsPerRow = (user + system) / (commits * rows);
  return {
    rowsPerSecond: (commits * rows) / seconds,
    commitsPerSecond: commits / seconds,
    cpuUsPerRow,
    rowInHashes: cpuUsPerRow / ((hashBefore + hashCpuUs()) / 2),
    rawSyncsPerSecond,
  };
}

async function measure({ name, rows }: Case, folder: string, fd: number): Promise<Sample> {
  const options = { path: join(folder, `${name}-${rows}.db`), role: "agent" as const, budgetBytes: 1e12 };
  const samples: Sample[] = [];
  const take = async (commit: () => void | Promise<void>): Promise<void> => {
    for (let i = 0; i <= runs; i += 1) {
      const taken = await sample(commit, rows, fd);
      if (i > 0) samples.push(taken);
    }
  };
  if (name === "thread") {
    const entry = join(import.meta.dir, "../src/main.ts");
    const writer = await createLogWriter(options, (task, data) => {
      return new Worker(entry, { workerData: { task, options: data } });
    });
    await take(threaded(writer, rows));
    await writer.close();
  } else {
    const log = openLog(options);
    await take(name === "cycle" ? () => cycle(log, rows) : () => void log.append(batchOf(rows)));
    log.close();
  }
  return median(samples);
}

function median(samples: readonly Sample[]): Sample {
  const of = (key: keyof Sample): number => {
    return samples.map((taken) => taken[key]).sort((a, b) => a - b)[Math.floor(samples.length / 2)] as number;
  };
  return {
    rowsPerSecond: of("rowsPerSecond"),
    commitsPerSecond: of("commitsPerSecond"),
    cpuUsPerRow: of("cpuUsPerRow"),
    rowInHashes: of("rowInHashes"),
    rawSyncsPerSecond: of("rawSyncsPerSecond"),
  };
}

const folder = mkdtempSync(join(flags.dir, "amoskys-bench-"));
const fd = openSync(join(folder, "raw"), "w");
try {
  const results: (Case & Sample)[] = [];
  for (const one of cases) results.push({ ...one, ...(await measure(one, folder, fd)) });
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ runs, runMs, recordBytes, results })}\n`);
  } else {
    const columns = ["", "rows", "rows/s", "commits/s", "cpu us", "in sha256", "raw syncs/s", "commits a raw sync"];
    process.stdout.write(`${columns.map((column) => column.padStart(12)).join(" ")}\n`);
    for (const {
      name,
      rows,
      rowsPerSecond,
      commitsPerSecond,
      cpuUsPerRow,
      rowInHashes,
      rawSyncsPerSecond,
    } of results) {
      const cells = [
        name,
        rows,
        Math.round(rowsPerSecond),
        Math.round(commitsPerSecond),
        cpuUsPerRow.toFixed(1),
        rowInHashes.toFixed(1),
        Math.round(rawSyncsPerSecond),
        (commitsPerSecond / rawSyncsPerSecond).toFixed(2),
      ];
      process.stdout.write(`${cells.map((cell) => String(cell).padStart(12)).join(" ")}\n`);
    }
  }
} finally {
  closeSync(fd);
  rmSync(folder, { recursive: true, force: true });
}
