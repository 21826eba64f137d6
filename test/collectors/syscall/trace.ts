import {
  type CallFigures,
  decodeInterval,
  emptyFigures,
  type Pair,
  syscallName,
} from "../../../src/collectors/syscall/decode.ts";
import { decodeExecution, type Execution } from "../../../src/collectors/syscall/exec-event.ts";
import { syscallConfigSchema } from "../../../src/collectors/syscall/index.ts";
import { SyscallSource } from "../../../src/collectors/syscall/source.ts";

type Settings = Parameters<typeof syscallConfigSchema.parse>[0];

/** Everything that was counted while a source was open. */
export interface Trace {
  readonly pairs: Pair[];
  readonly executions: Execution[];
  readonly rest: ReadonlyMap<number, { calls: number; errors: number }>;
  readonly unattributed: number;
  readonly uncounted: number;
}

/** Opens a source, does the work, and takes the interval every `everyMs` until it is done. */
export async function traceWhile(
  work: () => Promise<unknown>,
  settings: Settings = {},
  everyMs?: number,
): Promise<Trace> {
  const source = new SyscallSource(syscallConfigSchema.parse(settings));
  source.open();
  const pairs: Pair[] = [];
  const executions: Execution[] = [];
  const take = () => {
    pairs.push(...decodeInterval(source.takeInterval(), { top: Number.POSITIVE_INFINITY, top_by: "calls" }).top);
    source.execs?.read((view, offset, length) => {
      const execution = decodeExecution(view, offset, length);
      if (execution) executions.push(execution);
    });
  };
  const timer = everyMs === undefined ? undefined : setInterval(take, everyMs);
  try {
    await work();
    clearInterval(timer);
    take();
    const { unattributed, uncounted } = source.shortfall();
    return { pairs, executions, rest: source.rest(), unattributed, uncounted };
  } finally {
    clearInterval(timer);
    source.close();
  }
}

/** Runs a command to its end, quietly; answers its pid. */
export async function run(...command: string[]): Promise<number> {
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  await child.exited;
  return child.pid;
}

/** Figures by name of the system call, of these processes. */
export function byName(pairs: readonly Pair[], processes: ReadonlySet<number>): Map<string, CallFigures> {
  const found = new Map<string, CallFigures>();
  for (const { process, slot, figures } of pairs) {
    if (!processes.has(process)) continue;
    const name = syscallName(slot);
    const sum = found.get(name) ?? emptyFigures();
    found.set(name, sum);
    sum.calls += figures.calls;
    sum.errors += figures.errors;
    sum.measured += figures.measured;
    sum.totalNs += figures.totalNs;
    sum.maxNs = Math.max(sum.maxNs, figures.maxNs);
    sum.minNs = Math.min(sum.minNs, figures.minNs);
    for (const [i, count] of figures.buckets.entries()) sum.buckets[i] = (sum.buckets[i] as number) + count;
  }
  return found;
}

/** The processes below one, itself left out, as far as they executed something. */
export function descendants(executions: readonly Execution[], ancestor: number): Set<number> {
  const found = new Set<number>();
  for (const { pid, ppid } of executions) if (ppid === ancestor || found.has(ppid)) found.add(pid);
  return found;
}
