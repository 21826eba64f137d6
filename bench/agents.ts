/**
 * What every agent uses of its host: resident memory and processor time, idle and busy, beside its budget. All of them
 * run under one `up` in a network namespace. Idle: the intervals of the defaults, and a network where nothing happens.
 * Busy: a round each second, a connection and ten programs each half second, 200 made-up events a second, and
 * processes that wait.
 *
 *   bun bench/agents.ts [--json] [--seconds N] [--processes N]
 */
import { parseArgs } from "node:util";
import { AgentsLab, agentRoles, type LabPace } from "../test/support/agents-lab.ts";
import { startSleepers } from "../test/support/sleepers.ts";

const { values: flags } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    seconds: { type: "string", default: "90" },
    processes: { type: "string", default: "1000" },
  },
});

interface Use {
  readonly cpuPercent: number;
  readonly memoryBytes: number;
  readonly budget: { readonly cpu_percent: number; readonly memory_bytes: number } | undefined;
}

/** Memory at its highest, processor time over the last minute. */
async function measure(pace: LabPace, isBusy: boolean): Promise<Map<string, Use>> {
  const lab = await AgentsLab.start(pace);
  const stop = new AbortController();
  const busy = isBusy ? lab.keepBusy(stop.signal) : Promise.resolve();
  const uses = new Map<string, Use>();
  try {
    for (let left = Number(flags.seconds); left > 0; left -= 5) {
      await Bun.sleep(Math.min(5, left) * 1000);
      for (const { role, cpu_percent = 0, memory_bytes = 0, budget } of await lab.home.roles()) {
        const highest = Math.max(memory_bytes, uses.get(role)?.memoryBytes ?? 0);
        uses.set(role, { cpuPercent: cpu_percent, memoryBytes: highest, budget });
      }
    }
  } finally {
    stop.abort();
    await busy;
    await lab.stop();
  }
  return uses;
}

const idle = await measure({ intervalS: 10, syntheticRate: 1, scanIntervalS: 3600 }, false);
const sleepers = await startSleepers(Number(flags.processes));
const busy = await measure({ intervalS: 1, syntheticRate: 200, scanIntervalS: 10 }, true);
sleepers.stdin.end();
await sleepers.exited;

const mebibytes = (bytes: number | undefined) => Math.round((bytes ?? 0) / 2 ** 20);
const rows = ["bus", ...agentRoles].map((role) => ({
  role,
  idle_mib: mebibytes(idle.get(role)?.memoryBytes),
  busy_mib: mebibytes(busy.get(role)?.memoryBytes),
  budget_mib: mebibytes(busy.get(role)?.budget?.memory_bytes),
  idle_cpu_percent: idle.get(role)?.cpuPercent,
  busy_cpu_percent: busy.get(role)?.cpuPercent,
  budget_cpu_percent: busy.get(role)?.budget?.cpu_percent,
}));
if (flags.json) process.stdout.write(`${JSON.stringify({ seconds: Number(flags.seconds), rows })}\n`);
else process.stdout.write(`${Bun.inspect.table(rows)}\n`);
