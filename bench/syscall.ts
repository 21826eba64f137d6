/**
 * What it costs to be watched: a C loop of getppid(2), the cheapest system call there is, alone, under `amoskys agent
 * syscall`, and under a bpftrace program that keeps the same: count, errors and latency by process and system call. The
 * three take turns. The loop is compiled here (gcc); bpftrace comes from Debian, and sees tracefs in a mount namespace
 * of its own.
 *
 *   bun bench/syscall.ts [--json] [--runs N] [--calls N] [--command "dist/amoskys"]
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { peerProgram } from "../test/support/debian.ts";

const { values: flags } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    runs: { type: "string", default: "3" },
    calls: { type: "string", default: "10000000" },
    command: { type: "string", default: "dist/amoskys" },
  },
});
const runs = Number(flags.runs);
const calls = Number(flags.calls);
/** The share of bpftrace's cost that we allow ourselves. */
const target = 0.5;

const loopSource = `#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int count, char **words) {
  for (long i = atol(words[1]); i > 0; i--) syscall(SYS_getppid);
  return 0;
}`;

const bpftraceProgram = `
tracepoint:raw_syscalls:sys_enter { @start[tid] = nsecs; }
tracepoint:raw_syscalls:sys_exit /@start[tid]/ {
  @calls[pid, comm, args->id] = count();
  @latency[pid, comm, args->id] = hist(nsecs - @start[tid]);
  if (args->ret < 0) { @errors[pid, comm, args->id] = count(); }
  delete(@start[tid]);
}
interval:ms:200 { printf("watching\\n"); }`;

interface Subject {
  readonly name: string;
  /** What watches; nothing does where it is undefined. */
  readonly command: readonly string[] | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly nsPerCall: number[];
}

type Watcher = Bun.Subprocess<"ignore", "pipe", "ignore">;

function subjects(folder: string): Subject[] {
  const ours = flags.command.split(" ");
  ours[0] = Bun.which(ours[0] as string) ?? resolve(ours[0] as string);
  const found: Subject[] = [
    { name: "alone", command: undefined, environment: {}, nsPerCall: [] },
    {
      name: "amoskys agent syscall",
      command: [...ours, "--home", folder, "agent", "syscall", "--print"],
      environment: {},
      nsPerCall: [],
    },
  ];
  const bpftrace = peerProgram("bpftrace", ["bpftrace", "libbpfcc", "libclang1-14", "libclang-cpp14", "libllvm14"]);
  if (bpftrace) {
    const script = join(folder, "program.bt");
    writeFileSync(script, bpftraceProgram);
    const within = 'mount -t tracefs nodev /sys/kernel/tracing && exec "$0" "$@"';
    const command = ["unshare", "--mount", "sh", "-c", within, bpftrace, "-q", script];
    const libraries = ["lib/x86_64-linux-gnu", "lib/llvm-14/lib"].map((path) => join(dirname(bpftrace), "..", path));
    const environment = { LD_LIBRARY_PATH: libraries.filter((path) => existsSync(path)).join(":") };
    found.push({ name: "bpftrace", command, environment, nsPerCall: [] });
  }
  return found;
}

/** Starts what watches, and waits until it tells of something. */
async function startWatching({ command = [], environment }: Subject): Promise<Watcher> {
  const env = { ...process.env, ...environment };
  const watcher = Bun.spawn([...command], { env, stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  let isReady = false;
  const output = watcher.stdout.getReader();
  void (async () => {
    for (let part = await output.read(); !part.done; part = await output.read()) isReady = true;
  })();
  for (const endMs = performance.now() + 30_000; !isReady; await Bun.sleep(100)) {
    if (watcher.exitCode !== null) throw new Error(`${command.join(" ")} ended with ${watcher.exitCode}`);
    if (performance.now() > endMs) throw new Error(`${command.join(" ")} saw nothing`);
    Bun.spawnSync(["true"]);
  }
  return watcher;
}

async function measure(subject: Subject, loop: string): Promise<void> {
  const watcher = subject.command ? await startWatching(subject) : undefined;
  const startMs = performance.now();
  const { exitCode } = Bun.spawnSync([loop, String(calls)]);
  subject.nsPerCall.push(((performance.now() - startMs) * 1e6) / calls);
  watcher?.kill("SIGTERM");
  await watcher?.exited;
  if (exitCode !== 0) throw new Error(`the loop ended with ${exitCode}`);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

function report(measured: readonly Subject[]): void {
  const costs = measured.map(({ nsPerCall }) => median(nsPerCall));
  const [alone = 0] = costs;
  const reference = measured.findIndex(({ name }) => name === "bpftrace");
  const rows = measured.map(({ name }, i) => ({
    watched_by: name,
    ns_per_call: Math.round(costs[i] as number),
    cost_ns: Math.round((costs[i] as number) - alone),
    ratio_to_alone: Number(((costs[i] as number) / alone).toFixed(2)),
    cost_ratio_to_bpftrace:
      reference < 0 || i === 0
        ? undefined
        : Number((((costs[i] as number) - alone) / ((costs[reference] as number) - alone)).toFixed(2)),
    target: name.startsWith("amoskys") ? target : undefined,
  }));
  const load = readFileSync("/proc/loadavg", "utf8").split(" ")[0];
  if (flags.json) process.stdout.write(`${JSON.stringify({ calls, runs, load, rows })}\n`);
  else process.stdout.write(`${calls} calls of getppid, ${runs} runs, load ${load}\n${Bun.inspect.table(rows)}`);
}

const gcc = Bun.which("gcc");
if (!gcc) {
  process.stderr.write("skipped: gcc is not here to compile the loop with\n");
} else if (process.getuid?.() !== 0) {
  process.stderr.write("skipped: watching system calls takes root\n");
} else {
  const folder = mkdtempSync(join(tmpdir(), "amoskys-syscall-"));
  try {
    const loop = join(folder, "loop");
    writeFileSync(`${loop}.c`, loopSource);
    const { exitCode, stderr } = Bun.spawnSync([gcc, "-O2", "-o", loop, `${loop}.c`]);
    if (exitCode !== 0) throw new Error(stderr.toString());
    const measured = subjects(folder);
    for (let run = 0; run < runs; run += 1) for (const subject of measured) await measure(subject, loop);
    report(measured);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
