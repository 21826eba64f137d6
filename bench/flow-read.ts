/**
 * How long it takes to turn a capture into flows: `amoskys agent flow --read FILE --print` beside Debian's argus and
 * nfpcapd on the same file, made here (seeded) and read from the page cache. Each command is run once to warm up; then
 * all take turns. Argus and nfpcapd write their binary formats to a file, amoskys writes JSON to /dev/null.
 *
 *   bun bench/flow-read.ts [--json] [--runs N] [--packets N] [--flows N] [--seed N] [--command "dist/amoskys"]
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { peerProgram } from "../test/support/debian.ts";
import { writeFlowCapture } from "./flow-capture.ts";

const { values: flags } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    runs: { type: "string", default: "5" },
    packets: { type: "string", default: "2000000" },
    flows: { type: "string", default: "50000" },
    seed: { type: "string", default: "1" },
    command: { type: "string", default: "dist/amoskys" },
  },
});
const [runs, packets, flows, seed] = [flags.runs, flags.packets, flags.flows, flags.seed].map(Number) as [
  number,
  number,
  number,
  number,
];
/** The share of the faster reference's time that we allow ourselves. */
const target = 0.5;

interface Subject {
  readonly name: string;
  readonly command: readonly string[];
  readonly libraries?: string | undefined;
  readonly wallMs: number[];
  readonly cpuMs: number[];
}

/** Where a program that was unpacked finds the libraries that were unpacked with it. */
function librariesOf(program: string): string | undefined {
  const folder = join(dirname(program), "../lib/x86_64-linux-gnu");
  return existsSync(folder) ? folder : undefined;
}

function subjectsFor(capture: string, folder: string): Subject[] {
  const ours = flags.command.split(" ");
  ours[0] = resolve(ours[0] as string);
  const found: Subject[] = [
    { name: "amoskys", command: [...ours, "agent", "flow", "--read", capture, "--print"], wallMs: [], cpuMs: [] },
  ];
  const argus = peerProgram("argus", ["argus-server", "libwrap0", "libnsl2"]);
  if (argus) {
    const command = [argus, "-r", capture, "-w", join(folder, "argus.out")];
    found.push({ name: "argus", command, libraries: librariesOf(argus), wallMs: [], cpuMs: [] });
  }
  const nfpcapd = peerProgram("nfpcapd", ["nfdump", "librrd8"]);
  if (nfpcapd) {
    const output = join(folder, "nfpcapd");
    mkdirSync(output);
    const command = [nfpcapd, "-r", capture, "-l", output];
    found.push({ name: "nfpcapd", command, libraries: librariesOf(nfpcapd), wallMs: [], cpuMs: [] });
  }
  return found;
}

function runOnce({ name, command, libraries }: Subject): { wallMs: number; cpuMs: number } {
  const env = libraries ? { ...process.env, LD_LIBRARY_PATH: libraries } : process.env;
  const startMs = performance.now();
  const run = Bun.spawnSync([...command], { env, stdout: Bun.file("/dev/null"), stderr: "pipe" });
  const wallMs = performance.now() - startMs;
  if (run.exitCode !== 0) throw new Error(`${name} ended with ${run.exitCode}: ${run.stderr}`);
  const { user, system } = run.resourceUsage?.cpuTime ?? { user: 0n, system: 0n };
  return { wallMs, cpuMs: Number(user + system) / 1000 };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

/** The flows that we print must be those that were made: one each, with all their packets. */
function assertFlows(subject: Subject): void {
  const run = Bun.spawnSync([...subject.command], { stdout: "pipe", stderr: "inherit" });
  const lines = run.stdout.toString().trimEnd().split("\n");
  const printed = lines.map((line) => JSON.parse(line).event as { packetsTx?: string; packetsRx?: string });
  const counted = printed.reduce((sum, f) => sum + Number(f.packetsTx ?? 0) + Number(f.packetsRx ?? 0), 0);
  if (printed.length === flows && counted === packets) return;
  throw new Error(`printed ${printed.length} flows of ${counted} packets, not ${flows} of ${packets}`);
}

function report(subjects: readonly Subject[], captureBytes: number): void {
  const references = subjects.slice(1).map((subject) => median(subject.wallMs));
  const fastest = references.length > 0 ? Math.min(...references) : undefined;
  const rows = subjects.map((subject) => ({
    command: subject.name,
    median_ms: Math.round(median(subject.wallMs)),
    best_ms: Math.round(Math.min(...subject.wallMs)),
    cpu_ms: Math.round(median(subject.cpuMs)),
    packets_per_s: Math.round((packets / median(subject.wallMs)) * 1000),
    ratio_to_faster_reference: fastest ? Number((median(subject.wallMs) / fastest).toFixed(2)) : undefined,
    target: subject.name === "amoskys" ? target : undefined,
  }));
  const load = readFileSync("/proc/loadavg", "utf8").split(" ")[0];
  if (flags.json) process.stdout.write(`${JSON.stringify({ packets, flows, seed, runs, captureBytes, load, rows })}\n`);
  else
    process.stdout.write(`${packets} packets, ${flows} flows, ${runs} runs, load ${load}\n${Bun.inspect.table(rows)}`);
}

const folder = mkdtempSync(join(tmpdir(), "amoskys-flow-read-"));
try {
  const capture = join(folder, "flows.pcap");
  writeFlowCapture(capture, { packets, flows, seed });
  const subjects = subjectsFor(capture, folder);
  for (const subject of subjects) runOnce(subject);
  assertFlows(subjects[0] as Subject);
  for (let run = 0; run < runs; run += 1) {
    for (const subject of subjects) {
      const { wallMs, cpuMs } = runOnce(subject);
      subject.wallMs.push(wallMs);
      subject.cpuMs.push(cpuMs);
    }
  }
  report(subjects, statSync(capture).size);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
