import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { AgentsLab, agentRoles } from "../support/agents-lab.ts";
import { namespaceObstacle } from "../support/network-namespace.ts";
import type { RunningHome } from "../support/running-home.ts";

const obstacle = namespaceObstacle();
/** How long all agents run beside one another. */
const runMs = process.env.AMOSKYS_LONG ? 600_000 : 120_000;
const sampleEveryMs = 5000;
/** A heap of JavaScript breathes; what grows without end is above this between the middle and the end of a run. */
const growthBytesMax = 24 << 20;

let lab: AgentsLab | undefined;
afterAll(async () => await lab?.stop());

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
  [synthetic ? "synthetic" : (event.collectionAgent ?? event.source), kind].filter(Boolean).join(" ");

const expectedKinds = [
  "flow",
  "synthetic flow",
  "poll process",
  "ebpf process",
  ...["proc", "host", "syscall", "snmp", "scan", "bus"].map((agent) => `${agent} device`),
];

describe.skipIf(obstacle !== undefined)("all agents together", () => {
  test(
    "run beside one another in steady memory, and the bus has every kind of event",
    async () => {
      lab = await AgentsLab.start({ intervalS: 2, syntheticRate: 20, scanIntervalS: 20 });
      const { home } = lab;
      const stop = new AbortController();
      const [samples] = await Promise.all([sampleMemory(home).finally(() => stop.abort()), lab.keepBusy(stop.signal)]);

      for (const role of await home.roles()) expect(role).toMatchObject({ role: role.role, state: "healthy" });
      expect([...samples.keys()].sort()).toEqual(["bus", ...agentRoles].sort());
      for (const [role, bytes] of samples) {
        const mebibytes = bytes.map((sample) => Math.round(sample / 2 ** 20));
        if (process.env.AMOSKYS_LONG) process.stderr.write(`${role} MiB: ${mebibytes.join(" ")}\n`);
        expect({ role, steady: growth(bytes) < growthBytesMax }).toEqual({ role, steady: true });
      }

      expect((await home.run("down")).status).toBe(0);
      const { stdout } = await home.run("events", "query", "--json");
      const lines = stdout.trimEnd().split("\n");
      const seen = new Set(lines.map((line) => nameOf(JSON.parse(line) as EventLine)));
      for (const kind of expectedKinds) expect([...seen]).toContain(kind);
      for (const name of ["storage/bus", "wal/flowagent", "wal/procagent", "wal/snmpagent", "wal/scanagent"]) {
        const verified = await home.run("wal", "verify", join(home.home, "data", `${name}.db`));
        expect({ name, ...verified }).toMatchObject({ name, status: 0 });
      }
    },
    runMs + 180_000,
  );
});
