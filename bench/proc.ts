/**
 * What it costs to look at every process once, beside Debian's ps with the same fields and its process exporter. The
 * processes are sleepers that are made here.
 *
 * Whole: one run of a program from its start to its end, CPU time of the process. Steady: CPU time of one more round of
 * a program that runs, out of its /proc/PID/stat over many rounds; the exporter makes a round at each scrape. The scan
 * by itself, without a start and an outbox, is measured in this process: with every fact of every process read anew
 * (what ps does), and as a round where nothing has changed.
 *
 *   bun bench/proc.ts [--json] [--processes N] [--rounds N] [--command "dist/amoskys"]
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { procConfigSchema } from "../src/collectors/proc/index.ts";
import { ProcessSource } from "../src/collectors/proc/source.ts";
import { peerProgram } from "../test/support/debian.ts";
import { startSleepers } from "../test/support/sleepers.ts";

const { values: flags } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    processes: { type: "string", default: "1000" },
    rounds: { type: "string", default: "10" },
    command: { type: "string", default: "dist/amoskys" },
  },
});
const [processes, rounds] = [flags.processes, flags.rounds].map(Number) as [number, number];
const fields = "pid,ppid,uid,gid,rss,vsz,nlwp,stat,args";
const command = flags.command.split(" ");
command[0] = resolve(command[0] as string);

interface Row {
  readonly subject: string;
  readonly cpu_ms: number;
  readonly ratio_to_ps: number | undefined;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

/** CPU time of whole runs, in milliseconds. */
function wholeMs(words: readonly string[]): number {
  const times: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const run = Bun.spawnSync([...words], { stdout: Bun.file("/dev/null"), stderr: "pipe" });
    if (run.exitCode !== 0) throw new Error(`${words[0]} ended with ${run.exitCode}: ${run.stderr}`);
    const { user, system } = run.resourceUsage?.cpuTime ?? { user: 0n, system: 0n };
    // the first run warms up
    if (round > 0) times.push(Number(user + system) / 1000);
  }
  return median(times);
}

/** CPU time that a running process has used, in milliseconds; as exact as a tick of 10 ms. */
function usedMs(pid: number): number {
  const words = readFileSync(`/proc/${pid}/stat`, "latin1")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(words[11]) + Number(words[12])) * 10;
}

/** CPU time of one more round of the agent, at one round in half a second. */
async function agentRoundMs(): Promise<number> {
  const environment = { ...process.env, AMOSKYS_PROC__INTERVAL_S: "0.5" };
  const child = Bun.spawn([...command, "agent", "proc", "--print"], {
    env: environment,
    stdout: Bun.file("/dev/null"),
    stderr: "inherit",
  });
  await Bun.sleep(3000);
  const before = usedMs(child.pid);
  await Bun.sleep(rounds * 500);
  const used = usedMs(child.pid) - before;
  child.kill("SIGTERM");
  await child.exited;
  return used / rounds;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen({ host: "127.0.0.1", port: 0 }, done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

/** CPU time of one more scrape of the process exporter, with all processes in groups by name. */
async function exporterRoundMs(program: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "amoskys-bench-proc-"));
  const config = join(folder, "config.yml");
  writeFileSync(config, 'process_names:\n  - name: "{{.Comm}}"\n    cmdline:\n    - ".+"\n');
  const port = await freePort();
  const words = [program, "-config.path", config, "-web.listen-address", `127.0.0.1:${port}`];
  const child = Bun.spawn(words, { stdout: "ignore", stderr: "ignore" });
  const scrape = () => fetch(`http://127.0.0.1:${port}/metrics`).then((answer) => answer.text());
  try {
    for (let tries = 0; ; tries += 1) {
      const text = await scrape().catch(() => undefined);
      if (text?.includes("namedprocess_namegroup_num_procs")) break;
      if (tries > 50) throw new Error("the process exporter does not answer");
      await Bun.sleep(100);
    }
    await scrape();
    const before = usedMs(child.pid);
    for (let round = 0; round < rounds; round += 1) await scrape();
    return (usedMs(child.pid) - before) / rounds;
  } finally {
    child.kill("SIGTERM");
    await child.exited;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** CPU time of this process for one scan, in milliseconds: from nothing, and of a round where nothing has changed. */
async function scanMs(): Promise<{ first: number; steady: number; seen: number }> {
  const config = procConfigSchema.parse({});
  const nowMs = () => performance.now();
  const measure = async (source: ProcessSource) => {
    const before = process.cpuUsage();
    await source.look(nowMs);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  const first: number[] = [];
  const steady: number[] = [];
  let seen = 0;
  for (let round = 0; round <= rounds; round += 1) {
    const source = new ProcessSource(config);
    source.open();
    const [one, two] = [await measure(source), await measure(source)];
    if (round > 0) {
      first.push(one);
      steady.push(two);
    }
    seen = [...source.processes()].length;
  }
  return { first: median(first), steady: median(steady), seen };
}

const sleepers = await startSleepers(processes);
try {
  const scan = await scanMs();
  if (scan.seen < processes) throw new Error(`saw ${scan.seen} processes, not ${processes}`);
  const psMs = wholeMs(["ps", "-eo", fields, "--no-headers", "-ww"]);
  const row = (subject: string, cpuMs: number): Row => ({
    subject,
    cpu_ms: Number(cpuMs.toFixed(1)),
    ratio_to_ps: Number((cpuMs / psMs).toFixed(2)),
  });
  const rows = [
    row("whole: ps, the same fields", psMs),
    row("whole: amoskys agent proc --print --once", wholeMs([...command, "agent", "proc", "--print", "--once"])),
    row("scan alone: every fact of every process", scan.first),
    row("scan alone: a round where nothing has changed", scan.steady),
    row("steady: one more round of amoskys agent proc", await agentRoundMs()),
  ];
  const exporter = peerProgram("prometheus-process-exporter", ["prometheus-process-exporter"]);
  if (exporter) rows.push(row("steady: one more scrape of the process exporter", await exporterRoundMs(exporter)));
  const load = readFileSync("/proc/loadavg", "utf8").split(" ")[0];
  if (flags.json) process.stdout.write(`${JSON.stringify({ processes: scan.seen, rounds, load, rows })}\n`);
  else process.stdout.write(`${scan.seen} processes, ${rounds} rounds, load ${load}\n${Bun.inspect.table(rows)}`);
} finally {
  sleepers.kill("SIGKILL");
  sleepers.stdin.end();
  await sleepers.exited;
}
