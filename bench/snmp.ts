/**
 * How long it takes to read the interfaces of many devices: `amoskys agent snmp --print --once` beside Debian's
 * `snmpbulkwalk` of ifTable and ifXTable under `xargs -P`, on the same replayed devices in the same run. The devices
 * are a process of its own that answers out of recordings made here (seeded); after the first run it has every answer
 * ready. They have the columns that amoskys reads and no others, so both read the same values. The commands take turns;
 * what amoskys printed is checked against the recordings.
 *
 * The third line is the collector alone, round after round in one process, as it is in a running agent: without
 * starting and without printing. Behind it, one device with as many interfaces as are read by default: how long a round
 * takes, and how long at most nothing else runs in the process meanwhile.
 *
 *   bun bench/snmp.ts [--json] [--runs N] [--devices N] [--interfaces N] [--parallel N] [--command "dist/amoskys"]
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { snmpCollector, snmpConfigSchema } from "../src/collectors/snmp/index.ts";
import { systemClock } from "../src/core/clock.ts";
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
  /** Makes one run. */
  run(): Promise<Run>;
  readonly runs: Run[];
}

interface Run {
  readonly wallMs: number;
  readonly cpuMs: number;
  /** Of the devices: requests answered, and CPU time for it. */
  readonly requests: number;
  readonly devicesCpuMs: number;
}

/** The columns of both tables that amoskys reads: [column, snmprec tag, value]. */
function columnsOf(device: number, index: number): readonly (readonly [string, string, string | number])[] {
  const count = (factor: number) => device * 1_000_003 + index * 7919 * factor;
  return [
    [`${ifTable}.1.2`, "4", `port ${index}`],
    [`${ifTable}.1.3`, "2", 6],
    [`${ifTable}.1.5`, "66", 1_000_000_000],
    [`${ifTable}.1.6`, "4x", "001ba90ba752"],
    [`${ifTable}.1.7`, "2", 1],
    [`${ifTable}.1.8`, "2", 1 + (index % 2)],
    ...[10, 13, 14, 16, 19, 20].map((column) => [`${ifTable}.1.${column}`, "65", count(column) % 2 ** 32] as const),
    [`${ifXTable}.1.1`, "4", `ge-0/0/${index}`],
    ...[6, 10].map((column) => [`${ifXTable}.1.${column}`, "70", count(column) + 2 ** 33] as const),
    [`${ifXTable}.1.15`, "66", 1000],
    [`${ifXTable}.1.18`, "4", `to rack ${index}`],
    [`${ifXTable}.1.19`, "67", 0],
  ];
}

function writeRecordings(folder: string, counts: { devices: number; interfaces: number }) {
  let values = 0;
  const paths = Array.from({ length: counts.devices }, (_, device) => {
    const lines = [`1.3.6.1.2.1.1.3.0|67|${device}`, `1.3.6.1.2.1.1.5.0|4|device-${device}`];
    for (let index = 1; index <= counts.interfaces; index += 1) {
      for (const [column, tag, value] of columnsOf(device, index)) {
        lines.push(`${column}.${index}|${tag}|${value}`);
        values += 1;
      }
    }
    const path = join(folder, `${device}.snmprec`);
    writeFileSync(path, `${lines.join("\n")}\n`);
    return path;
  });
  return { paths, values };
}

/** Writes the home of an agent that reads nothing but the interfaces. */
function writeHome(folder: string, ports: readonly number[]): object {
  const objects = [{ name: "ifDescr", oid: `${ifTable}.1.2`, is_table: true, type: "string" }];
  const metrics = { metrics: { network_interfaces: { enabled: true, oids: objects } } };
  writeFileSync(join(folder, "metrics.yaml"), JSON.stringify(metrics));
  const polled = ports.map((port, i) => ({ name: `device-${i}`, host: "127.0.0.1", port, community: "public" }));
  const snmp = { metrics_file: join(folder, "metrics.yaml"), max_concurrent: parallel, devices: polled };
  mkdirSync(join(folder, "config"));
  writeFileSync(join(folder, "config/amoskys.yaml"), JSON.stringify({ snmp }));
  return snmp;
}

/** One round of the collector in this process, whose CPU time is its. */
async function collectOnce(config: object): Promise<{ wallMs: number; cpuMs: number }> {
  const startMs = performance.now();
  const before = process.cpuUsage();
  const collector = snmpCollector.create(
    { config: snmpConfigSchema.parse(config), once: true },
    {
      emit() {},
      room: () => Promise.resolve(),
      observer: { count() {}, gauge() {}, observe() {}, log() {} },
      clock: systemClock,
      spawnWorker: () => {
        throw new Error("this collector has no thread");
      },
    },
  );
  await collector.start();
  await collector.done;
  await collector.stop(1000);
  const { user, system } = process.cpuUsage(before);
  return { wallMs: performance.now() - startMs, cpuMs: (user + system) / 1000 };
}

/** The longest time for which no timer of this process ran during some work. */
async function longestPauseMs(work: () => Promise<unknown>): Promise<number> {
  let longestMs = 0;
  let lastMs = performance.now();
  const note = () => {
    longestMs = Math.max(longestMs, performance.now() - lastMs);
    lastMs = performance.now();
  };
  const timer = setInterval(note, 1);
  await work();
  clearInterval(timer);
  note();
  return longestMs;
}

interface LargeDevice {
  readonly interfaces: number;
  readonly round_ms: number;
  readonly longest_pause_ms: number;
}

/** Rounds at one device with many interfaces: the median round, and the longest pause of all. */
async function measureLargeDevice(folder: string): Promise<LargeDevice> {
  const large = { devices: 1, interfaces: snmpConfigSchema.parse({}).max_interfaces };
  mkdirSync(folder);
  const replayedDevice = new ReplayedDevices(writeRecordings(folder, large).paths);
  try {
    const config = { ...writeHome(folder, await replayedDevice.ports()), timeout_s: 30 };
    await collectOnce(config);
    const rounds: number[] = [];
    const pauses: number[] = [];
    for (let i = 0; i < runs; i += 1) {
      pauses.push(await longestPauseMs(async () => rounds.push((await collectOnce(config)).wallMs)));
    }
    const longest = Math.round(Math.max(...pauses));
    return { interfaces: large.interfaces, round_ms: Math.round(median(rounds)), longest_pause_ms: longest };
  } finally {
    await replayedDevice.close();
  }
}

function runCommand(command: readonly string[], environment: Readonly<Record<string, string | undefined>>) {
  const startMs = performance.now();
  const run = Bun.spawnSync([...command], { env: { ...environment }, stdout: "pipe", stderr: "pipe" });
  const wallMs = performance.now() - startMs;
  if (run.exitCode !== 0) throw new Error(`${command[0]} ended with ${run.exitCode}: ${run.stderr}`);
  const { user, system } = run.resourceUsage?.cpuTime ?? { user: 0n, system: 0n };
  return { wallMs, cpuMs: Number(user + system) / 1000, output: run.stdout.toString() };
}

type Measured = Pick<Run, "wallMs" | "cpuMs">;

function subjectsFor(folder: string, ports: readonly number[], replayed: ReplayedDevices): Subject[] {
  const subject = (name: string, measure: () => Measured | Promise<Measured>): Subject => ({
    name,
    runs: [],
    run: async () => {
      const before = await replayed.counted();
      const { wallMs, cpuMs } = await measure();
      const after = await replayed.counted();
      const requests = after.requests - before.requests;
      return { wallMs, cpuMs, requests, devicesCpuMs: after.cpuMs - before.cpuMs };
    },
  });
  const config = writeHome(folder, ports);
  const ours = flags.command.split(" ");
  if (ours[0]?.includes("/")) ours[0] = resolve(ours[0]);
  const amoskys = [...ours, "--home", folder, "agent", "snmp", "--print", "--once"];
  assertRead(runCommand(amoskys, process.env).output);
  const found = [subject("amoskys", () => runCommand(amoskys, process.env))];
  const walker = snmpProgram("snmpbulkwalk");
  if (walker) {
    const walks = ports.flatMap((port) => [ifTable, ifXTable].map((table) => `127.0.0.1:${port} ${table}`));
    writeFileSync(join(folder, "walks"), `${walks.join("\n")}\n`);
    const walk = `${walker} -m "" -v2c -c public -OnQ`;
    const command = ["sh", "-c", `xargs -P ${parallel} -L 1 ${walk} < ${join(folder, "walks")}`];
    const environment = snmpEnvironment(walker, join(folder, "state"));
    found.push(subject("snmpbulkwalk", () => runCommand(command, environment)));
  }
  found.push(subject("amoskys, a round", () => collectOnce(config)));
  return found;
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
function assertRead(output: string): void {
  const lines = output.trimEnd().split("\n");
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

function report(subjects: readonly Subject[], values: number, large: LargeDevice): void {
  const middle = (subject: Subject, pick: (run: Run) => number) => Math.round(median(subject.runs.map(pick)));
  const reference = subjects.find(({ name }) => name === "snmpbulkwalk");
  const ratio = (subject: Subject, pick: (run: Run) => number) =>
    reference && Number((middle(subject, pick) / middle(reference, pick)).toFixed(2));
  const rows = subjects.map((subject) => ({
    command: subject.name,
    median_ms: middle(subject, ({ wallMs }) => wallMs),
    best_ms: Math.round(Math.min(...subject.runs.map(({ wallMs }) => wallMs))),
    cpu_ms: middle(subject, ({ cpuMs }) => cpuMs),
    packets: middle(subject, ({ requests }) => requests),
    devices_cpu_ms: middle(subject, ({ devicesCpuMs }) => devicesCpuMs),
    values_per_s: Math.round((values / middle(subject, ({ wallMs }) => wallMs)) * 1000),
    wall_ratio: ratio(subject, ({ wallMs }) => wallMs),
    cpu_ratio: ratio(subject, ({ cpuMs }) => cpuMs),
    target: subject === reference ? undefined : target,
  }));
  const load = readFileSync("/proc/loadavg", "utf8").split(" ")[0];
  if (flags.json)
    process.stdout.write(`${JSON.stringify({ devices, interfaces, parallel, runs, load, rows, large })}\n`);
  else {
    const what = `${devices} devices of ${interfaces} interfaces, ${parallel} at once, ${runs} runs, load ${load}`;
    process.stdout.write(`${what}\n${Bun.inspect.table(rows)}one large device\n${Bun.inspect.table([large])}`);
  }
}

/** The process that answers for the devices. */
class ReplayedDevices {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncIterator<string>;

  constructor(paths: readonly string[]) {
    const responder = resolve(import.meta.dir, "../test/support/snmprec-responder.ts");
    this.#process = Bun.spawn(["bun", responder, ...paths], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    this.#lines = linesOf(this.#process.stdout);
  }

  /** The first line that it says: its ports. */
  async ports(): Promise<number[]> {
    return JSON.parse((await this.#lines.next()).value) as number[];
  }

  /** Requests answered so far, and the CPU time that took. */
  async counted(): Promise<{ requests: number; cpuMs: number }> {
    this.#process.stdin.write("\n");
    await this.#process.stdin.flush();
    return JSON.parse((await this.#lines.next()).value) as { requests: number; cpuMs: number };
  }

  async close(): Promise<void> {
    this.#process.stdin.end();
    await this.#process.exited;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const bytes of stream) {
    const lines = `${rest}${new TextDecoder().decode(bytes)}`.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

const folder = mkdtempSync(join(tmpdir(), "amoskys-bench-snmp-"));
mkdirSync(join(folder, "state"));
const { paths, values } = writeRecordings(folder, { devices, interfaces });
const replayed = new ReplayedDevices(paths);
try {
  const subjects = subjectsFor(folder, await replayed.ports(), replayed);
  for (const { run } of subjects) await run();
  for (let i = 0; i < runs; i += 1) {
    for (const { runs: made, run } of subjects) made.push(await run());
  }
  report(subjects, values, await measureLargeDevice(join(folder, "large")));
} finally {
  await replayed.close();
  rmSync(folder, { recursive: true, force: true });
}
