import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createVethPair, namespaceObstacle, transfer, type VethPair } from "../support/network-namespace.ts";
import { RunningHome } from "../support/running-home.ts";
import { SnmpDaemon } from "../support/snmp-daemon.ts";

const obstacle = namespaceObstacle();
/** How long all agents run beside one another. */
const runMs = process.env.AMOSKYS_LONG ? 600_000 : 120_000;
const sampleEveryMs = 5000;
/** A heap of JavaScript breathes; what grows without end is above this between the middle and the end of a run. */
const growthBytesMax = 24 << 20;
const agents = ["flow", "proc", "host", "syscall", "snmp", "scan", "synthetic", "bus-agent"];
const webPort = 8080;

const cleanups: (() => Promise<void> | void)[] = [];
afterAll(async () => {
  for (const clean of cleanups.reverse()) await clean();
});

const configuration = (pair: VethPair, snmpPort: number) => `
up: {roles: [bus, ${agents.join(", ")}]}
flow: {interfaces: [veth0]}
proc: {interval_s: 2}
host: {interval_s: 2}
syscall: {interval_s: 2}
bus: {interval_s: 2}
snmp:
  interval_s: 5
  devices: [{name: lab, host: ${pair.rightAddress}, port: ${snmpPort}, version: "2c", community: laboratory}]
scan: {targets: [10.99.0.0/29], ports: [22, ${webPort}], interval_s: 20}
synthetic: {rate: 20}
`;

/** A device, a web server and this host, on a network of their own. */
async function startLab(): Promise<{ home: RunningHome; pair: VethPair }> {
  const pair = createVethPair();
  cleanups.push(() => pair.remove());
  pair.up();
  const daemon = await SnmpDaemon.start("laboratory", [], { namespace: pair.right, host: pair.rightAddress });
  if (!daemon) throw new Error("snmpd cannot be had");
  cleanups.push(() => daemon.stop());
  const page = `Bun.serve({ hostname: "${pair.rightAddress}", port: ${webPort}, fetch: () => new Response("lab") })`;
  const web = Bun.spawn(pair.right.command(["bun", "-e", page]), { stdio: ["ignore", "ignore", "inherit"] });
  cleanups.push(() => web.kill());
  const config = configuration(pair, daemon.port);
  const home = new RunningHome({ wrapper: pair.left.command([]), config });
  cleanups.push(() => home.remove());
  return { home, pair };
}

/** Gives the agents something to see until it is told to stop: programs, files, connections. */
async function keepBusy(pair: VethPair, signal: AbortSignal): Promise<void> {
  for (let port = 20_000; !signal.aborted; port = port === 29_999 ? 20_000 : port + 1) {
    await transfer({ from: pair.left, to: pair.right, address: pair.rightAddress, port, bytes: 200_000 });
    for (let n = 0; n < 10; n += 1) Bun.spawnSync(["true"]);
    await Bun.sleep(500);
  }
}

/** Resident memory by role, sampled over the run. */
async function sampleMemory(home: RunningHome): Promise<Map<string, number[]>> {
  const samples = new Map<string, number[]>();
  const endMs = performance.now() + runMs;
  while (performance.now() < endMs) {
    await Bun.sleep(sampleEveryMs);
    for (const { role, memory_bytes, restarts } of await home.roles()) {
      expect({ role, restarts }).toEqual({ role, restarts: 0 });
      if (memory_bytes !== undefined) samples.set(role, [...(samples.get(role) ?? []), memory_bytes]);
    }
  }
  return samples;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}

/** By how much the last third of the samples lies above the middle one, in bytes. */
function growth(samples: readonly number[]): number {
  const third = Math.floor(samples.length / 3);
  return median(samples.slice(-third)) - median(samples.slice(third, 2 * third));
}

/** An event as `events query --json` prints it. */
interface EventLine {
  readonly kind: string;
  readonly synthetic?: boolean;
  readonly event: { readonly collectionAgent?: string; readonly source?: string };
}

const nameOf = ({ kind, synthetic, event }: EventLine) =>
  [synthetic ? "synthetic" : (event.collectionAgent ?? event.source ?? ""), kind].filter(Boolean).join(" ");

describe.skipIf(obstacle !== undefined)("all agents together", () => {
  test(
    "run beside one another in steady memory, and the bus has every kind of event",
    async () => {
      const { home, pair } = await startLab();
      home.up();
      for (const role of ["bus", ...agents]) await home.untilState(role, "healthy");
      const stop = new AbortController();
      const [samples] = await Promise.all([
        sampleMemory(home).finally(() => stop.abort()),
        keepBusy(pair, stop.signal),
      ]);

      for (const role of await home.roles()) expect(role).toMatchObject({ role: role.role, state: "healthy" });
      for (const [role, bytes] of samples) {
        const mebibytes = bytes.map((sample) => Math.round(sample / 2 ** 20));
        if (process.env.AMOSKYS_LONG) process.stderr.write(`${role} MiB: ${mebibytes.join(" ")}\n`);
        expect({ role, grown: growth(bytes) < growthBytesMax }).toEqual({ role, grown: true });
      }
      expect([...samples.keys()].sort()).toEqual(["bus", ...agents].sort());

      expect((await home.run("down")).status).toBe(0);
      const { stdout } = await home.run("events", "query", "--json");
      const seen = new Set(
        stdout
          .trimEnd()
          .split("\n", 1_000_000)
          .map((line) => nameOf(JSON.parse(line) as EventLine)),
      );
      for (const expected of [
        "flow",
        "poll process",
        "ebpf process",
        "synthetic flow",
        ...["proc", "host", "syscall", "snmp", "scan", "bus"].map((agent) => `${agent} device`),
      ]) {
        expect([...seen]).toContain(expected);
      }
      for (const name of ["storage/bus", "wal/flowagent", "wal/procagent", "wal/snmpagent", "wal/scanagent"]) {
        const verified = await home.run("wal", "verify", join(home.home, "data", `${name}.db`));
        expect({ name, ...verified }).toMatchObject({ name, status: 0 });
      }
    },
    runMs + 180_000,
  );
});
