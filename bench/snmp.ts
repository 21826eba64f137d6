/**
 * How long it takes to read the interfaces of many devices: `amoskys agent snmp --print --once` beside Debian's
 * `snmpbulkwalk` of ifTable and ifXTable under `xargs -P`, on the same replayed devices in the same run. The devices
 * are
 * a process of its own that answers out of recordings made here (seeded). The commands take turns; what amoskys printed
 * is checked against the recordings.
 *
 * snmpbulkwalk reads all columns of both tables, amoskys those it has a use for: the second ratio is for each value.
 *
 *   bun bench/snmp.ts [--json] [--runs N] [--devices N] [--interfaces N] [--parallel N] [--command "dist/amoskys"]
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { snmpEnvironment, snmpProgram } from "../test/support/snmp-daemon.ts";

const { values: flags } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    runs: { type: "string", default: "5" },
    devices: { type: "string", default: "50" },
    interfaces: { type: "string", default: "48" },
    parallel: { type: "string", default: "16" },
    command: { type: "string", default: "dist/amoskys" },
  },
});
const { runs, devices, interfaces, parallel } = {
  runs: Number(flags.runs),
  devices: Number(flags.devices),
  interfaces: Number(flags.interfaces),
  parallel: Number(flags.parallel),
};
/** The share of the reference's time that we allow ourselves. */
const target = 1;

const ifTable = "1.3.6.1.2.1.2.2";
const ifXTable = "1.3.6.1.2.1.31.1.1";

interface Subject {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Values of the MIB that one run reads. */
  readonly values: number;
  readonly wallMs: number[];
  readonly cpuMs: number[];
}

/** Objects of both tables as RFC 2863 has them: [column, snmprec tag, value]. */
function columnsOf(device: number, index: number): readonly (readonly [string, string, string | number])[] {
  const count = (factor: number) => device * 1_000_003 + index * 7919 * factor;
  return [
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((column) => {
      const values = [index, `port ${index}`, 6, 1500, 1_000_000_000, "001ba90ba752", 1, 1 + (index % 2)];
      const tags = ["2", "4", "2", "2", "66", "4x", "2", "2"];
      return [`${ifTable}.1.${column}`, tags[column - 1] as string, values[column - 1] as string | number] as const;
    }),
    ...[10, 11, 13, 14, 15, 16, 17, 19, 20].map(
      (column) => [`${ifTable}.1.${column}`, "65", count(column) % 2 ** 32] as const,
    ),
    [`${ifXTable}.1.1`, "4", `ge-0/0/${index}`] as const,
    ...[2, 3, 4, 5].map((column) => [`${ifXTable}.1.${column}`, "65", count(column) % 2 ** 32] as const),
    ...[6, 7, 8, 9, 10, 11, 12, 13].map(
      (column) => [`${ifXTable}.1.${column}`, "70", count(column) + 2 ** 33] as const,
    ),
    [`${ifXTable}.1.15`, "66", 1000] as const,
    [`${ifXTable}.1.18`, "4", `to rack ${index}`] as const,
  ];
}

function writeRecordings(folder: string): { paths: string[]; values: number; used: number } {
  let values = 0;
  const paths = Array.from({ length: devices }, (_, device) => {
    const lines = [`1.3.6.1.2.1.1.3.0|67|${device}`, `1.3.6.1.2.1.1.5.0|4|device-${device}`];
    for (let index = 1; index <= interfaces; index += 1) {
      for (const [column, tag, value] of columnsOf(device, index)) {
        lines.push(`${column}.${index}|${tag}|${value}`);
        values += 1;
      }
    }
    const path = join(folder, `${device}.snmprec`);
    writeFileSync(path, `${lines.join("\n")}\n`);
    return path;
  });
  // amoskys: 15 columns that are in the recordings, of 17
  return { paths, values, used: devices * interfaces * 15 };
}

function subjectsFor(folder: string, ports: readonly number[], values: number, used: number): Subject[] {
  const ours = flags.command.split(" ");
  ours[0] = resolve(ours[0] as string);
  mkdirSync(join(folder, "config"));
  const polled = ports.map((port, i) => ({ name: `device-${i}`, host: "127.0.0.1", port, community: "public" }));
  const config = { snmp: { profile: "network_focus", max_concurrent: parallel, devices: polled } };
  writeFileSync(join(folder, "config/amoskys.yaml"), JSON.stringify(config));
  const amoskys = [...ours, "--home", folder, "agent", "snmp", "--print", "--once"];
  const found: Subject[] = [
    { name: "amoskys", command: amoskys, environment: process.env, values: used, wallMs: [], cpuMs: [] },
  ];
  const walker = snmpProgram("snmpbulkwalk");
  if (walker) {
    const walks = ports.flatMap((port) => [ifTable, ifXTable].map((table) => `127.0.0.1:${port} ${table}`));
    writeFileSync(join(folder, "walks"), `${walks.join("\n")}\n`);
    const walk = `${walker} -m "" -v2c -c public -OnQ`;
    const command = ["sh", "-c", `xargs -P ${parallel} -L 1 ${walk} < ${join(folder, "walks")}`];
    const environment = snmpEnvironment(walker, join(folder, "state"));
    found.push({ name: "snmpbulkwalk", command, environment, values, wallMs: [], cpuMs: [] });
  }
  return found;
}

function runOnce({ name, command, environment }: Subject, stdout: "pipe" | "ignore" = "ignore") {
  const sink = stdout === "pipe" ? "pipe" : Bun.file("/dev/null");
  const startMs = performance.now();
  const run = Bun.spawnSync([...command], { env: { ...environment }, stdout: sink, stderr: "pipe" });
  const wallMs = performance.now() - startMs;
  if (run.exitCode !== 0) throw new Error(`${name} ended with ${run.exitCode}: ${run.stderr}`);
  const { user, system } = run.resourceUsage?.cpuTime ?? { user: 0n, system: 0n };
  return { wallMs, cpuMs: Number(user + system) / 1000, output: run.stdout?.toString() ?? "" };
}

interface Printed {
  readonly event: {
    readonly deviceId: string;
    readonly events: readonly {
      readonly metricData?: { metricName: string; numericValue?: number; labels?: { index: string } };
    }[];
  };
}

/** Every interface must have been read, each with the counter of its recording. */
function assertRead(subject: Subject): void {
  const lines = runOnce(subject, "pipe").output.trimEnd().split("\n");
  let counted = 0;
  for (const { event } of lines.map((line) => JSON.parse(line) as Printed)) {
    const device = Number(event.deviceId.replace("device-", ""));
    for (const { metricData } of event.events) {
      if (metricData?.metricName !== "snmp.interface.bytes_in") continue;
      const expected = device * 1_000_003 + Number(metricData.labels?.index) * 7919 * 6 + 2 ** 33;
      if (metricData.numericValue === expected) counted += 1;
    }
  }
  if (counted !== devices * interfaces) throw new Error(`${counted} of ${devices * interfaces} interfaces are right`);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

function report(subjects: readonly Subject[]): void {
  const reference = subjects[1];
  const perValue = (subject: Subject) => median(subject.wallMs) / subject.values;
  const rows = subjects.map((subject) => ({
    command: subject.name,
    median_ms: Math.round(median(subject.wallMs)),
    best_ms: Math.round(Math.min(...subject.wallMs)),
    cpu_ms: Math.round(median(subject.cpuMs)),
    values: subject.values,
    values_per_s: Math.round((subject.values / median(subject.wallMs)) * 1000),
    ratio_to_reference: reference && Number((median(subject.wallMs) / median(reference.wallMs)).toFixed(2)),
    ratio_for_each_value: reference && Number((perValue(subject) / perValue(reference)).toFixed(2)),
    target: subject.name === "amoskys" ? target : undefined,
  }));
  const load = readFileSync("/proc/loadavg", "utf8").split(" ")[0];
  if (flags.json) process.stdout.write(`${JSON.stringify({ devices, interfaces, parallel, runs, load, rows })}\n`);
  else {
    const what = `${devices} devices of ${interfaces} interfaces, ${parallel} at once, ${runs} runs, load ${load}`;
    process.stdout.write(`${what}\n${Bun.inspect.table(rows)}`);
  }
}

const folder = mkdtempSync(join(tmpdir(), "amoskys-bench-snmp-"));
mkdirSync(join(folder, "state"));
const { paths, values, used } = writeRecordings(folder);
const responder = Bun.spawn(["bun", resolve(import.meta.dir, "../test/support/snmprec-responder.ts"), ...paths], {
  stdin: "pipe",
  stdout: "pipe",
  stderr: "inherit",
});
try {
  const reader = responder.stdout.getReader();
  let said = "";
  while (!said.includes("\n")) said += new TextDecoder().decode((await reader.read()).value);
  const subjects = subjectsFor(folder, JSON.parse(said) as number[], values, used);
  assertRead(subjects[0] as Subject);
  for (const subject of subjects) runOnce(subject);
  for (let run = 0; run < runs; run += 1) {
    for (const subject of subjects) {
      const { wallMs, cpuMs } = runOnce(subject);
      subject.wallMs.push(wallMs);
      subject.cpuMs.push(cpuMs);
    }
  }
  report(subjects);
} finally {
  responder.stdin.end();
  responder.kill();
  await responder.exited;
  rmSync(folder, { recursive: true, force: true });
}
