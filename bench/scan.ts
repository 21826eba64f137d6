/**
 * How long it takes to find the open ones of many TCP ports: `amoskys agent scan --print --once` beside Debian's
 * `nmap -sT -T4 -n -Pn`, with the same ports on the same hosts in the same run. The hosts are network namespaces on one
 * bridge, where a port that is not open is refused. The commands take turns; what each found is checked.
 *
 * nmap begins as fast as it can; amoskys is given a rate that does not hold it back. Neither looks at what the ports
 * say.
 *
 *   bun bench/scan.ts [--json] [--runs N] [--hosts N] [--ports N] [--command "dist/amoskys"]
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Lab, type LabHost } from "../test/collectors/scan/lab.ts";
import { nmapCommand, parseNmap } from "../test/collectors/scan/nmap.ts";

const { values: flags } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    runs: { type: "string", default: "5" },
    hosts: { type: "string", default: "10" },
    ports: { type: "string", default: "1000" },
    command: { type: "string", default: "dist/amoskys" },
  },
});
const [runs, hostCount, portCount] = [flags.runs, flags.hosts, flags.ports].map(Number) as [number, number, number];
const rate = 100_000;
/** The share of the reference's time that we allow ourselves. */
const target = 1;

const firstPort = 10_000;
const ports = `${firstPort}-${firstPort + portCount - 1}`;
const hosts = Array.from({ length: hostCount }, (_, n): LabHost => {
  const open = [0, 1, 2, 3, 4].map((i) => firstPort + ((n * 37 + i * 211) % portCount));
  const hardwareAddress = `02:00:00:00:01:${n.toString(16).padStart(2, "0")}`;
  return { address: `10.98.0.${n + 2}`, hardwareAddress, services: open.map((port) => [port, "silent"] as const) };
});
const expected = hosts.flatMap(({ address, services }) => services.map(([port]) => `${address} ${port}`)).sort();

interface Subject {
  readonly name: string;
  readonly command: readonly string[];
  /** The open ports that it printed, as `ADDRESS PORT`. */
  readonly read: (stdout: string) => string[];
  readonly wallMs: number[];
  readonly cpuMs: number[];
}

function amoskysSubject(lab: Lab): Subject {
  const command = flags.command.split(" ");
  command[0] = resolve(command[0] as string);
  const targets = hosts.map(({ address }) => address);
  const scan = { targets, ports: [ports], arp: false, services: false, rate, max_concurrent: 2000 };
  mkdirSync(join(lab.folder, "config"));
  writeFileSync(join(lab.folder, "config/amoskys.yaml"), JSON.stringify({ scan }));
  const read = (stdout: string) =>
    stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).event.metadata as { ipAddress: string; openPorts?: number[] })
      .flatMap(({ ipAddress, openPorts = [] }) => openPorts.map((port) => `${ipAddress} ${port}`));
  const words = ["--home", lab.folder, "agent", "scan", "--print", "--once"];
  return { name: "amoskys", command: [...command, ...words], read, wallMs: [], cpuMs: [] };
}

function nmapSubject(): Subject | undefined {
  const nmap = nmapCommand();
  if (!nmap) return undefined;
  const words = ["-sT", "-T4", "-n", "-Pn", "-oX", "-", "-p", ports, ...hosts.map(({ address }) => address)];
  const read = (stdout: string) =>
    [...parseNmap(stdout)].flatMap(([address, all]) =>
      all.filter(({ state }) => state === "open").map(({ port }) => `${address} ${port}`),
    );
  return { name: "nmap -sT -T4 -n -Pn", command: [...nmap, ...words], read, wallMs: [], cpuMs: [] };
}

async function runOnce(lab: Lab, { name, command, read }: Subject): Promise<{ wallMs: number; cpuMs: number }> {
  const startMs = performance.now();
  const child = Bun.spawn(lab.scanner.command(command), { stdin: "ignore", stdout: "pipe", stderr: "pipe", cwd: "/" });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const status = await child.exited;
  const wallMs = performance.now() - startMs;
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
  const found = read(stdout).sort();
  if (found.join() !== expected.join()) {
    throw new Error(`${name} found ${found.length} open ports, there are ${expected.length}`);
  }
  const { user, system } = child.resourceUsage()?.cpuTime ?? { user: 0n, system: 0n };
  return { wallMs, cpuMs: Number(BigInt(user) + BigInt(system)) / 1000 };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

function report(subjects: readonly Subject[]): void {
  const reference = subjects[1];
  const rows = subjects.map((subject) => ({
    command: subject.name,
    median_ms: Math.round(median(subject.wallMs)),
    best_ms: Math.round(Math.min(...subject.wallMs)),
    cpu_ms: Math.round(median(subject.cpuMs)),
    ports_per_s: Math.round(((hostCount * portCount) / median(subject.wallMs)) * 1000),
    ratio_to_reference: reference && Number((median(subject.wallMs) / median(reference.wallMs)).toFixed(2)),
    ratio_of_cpu: reference && Number((median(subject.cpuMs) / median(reference.cpuMs)).toFixed(2)),
    target: subject.name === "amoskys" ? target : undefined,
  }));
  const load = readFileSync("/proc/loadavg", "utf8").split(" ")[0];
  const made = { hosts: hostCount, ports: portCount, open: expected.length, rate, runs, load };
  if (flags.json) process.stdout.write(`${JSON.stringify({ ...made, rows })}\n`);
  else {
    const what = `${hostCount} hosts of ${portCount} ports, ${expected.length} open, ${runs} runs, load ${load}`;
    process.stdout.write(`${what}\n${Bun.inspect.table(rows)}`);
  }
}

const lab = await Lab.open(hosts);
try {
  const subjects = [amoskysSubject(lab), nmapSubject()].filter((subject) => subject !== undefined);
  for (const subject of subjects) await runOnce(lab, subject);
  for (let run = 0; run < runs; run += 1) {
    for (const subject of subjects) {
      const { wallMs, cpuMs } = await runOnce(lab, subject);
      subject.wallMs.push(wallMs);
      subject.cpuMs.push(cpuMs);
    }
  }
  report(subjects);
} finally {
  await lab.close();
}
