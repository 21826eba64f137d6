import type { Clock } from "../core/clock.ts";
import { formatBytes } from "../core/quantities.ts";
import { RateWindow } from "../core/rate-window.ts";

/** What an agent may use of its host before it is told of. */
export interface ResourceBudget {
  /** Percent of one processor, over a minute. */
  readonly cpuPercent: number;
  readonly memoryBytes: number;
}

/** What a process uses: processor time since its start, and memory that is resident now. */
export interface ProcessUse {
  readonly cpuMs: number;
  readonly rssBytes: number;
}

/** What a role uses of its host, and what it may. */
export interface ResourceUse {
  /** Percent of one processor, over the last minute. */
  readonly cpuPercent: number;
  readonly memoryBytes: number;
  readonly budget: ResourceBudget | undefined;
}

export interface ResourceMeterOptions {
  readonly clock: Clock;
  /** Without it the use is measured and not judged. */
  readonly budget: ResourceBudget | undefined;
  /** The configuration's section with the budget, for what to do about it. */
  readonly section: string | undefined;
  readonly read: () => ProcessUse;
}

const windowMs = 60_000;
/** A start costs more than what follows: before this there is no judgement of the processor time. */
const judgedMs = 30_000;

/** Reads what this process uses. */
export function readProcessUse(): ProcessUse {
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  return { cpuMs: (userCPUTime + systemCPUTime) / 1000, rssBytes: process.memoryUsage.rss() };
}

/** Measures what a role uses against its budget. */
export class ResourceMeter {
  readonly #options: ResourceMeterOptions;
  readonly #cpuMs = new RateWindow(windowMs);

  constructor(options: ResourceMeterOptions) {
    this.#options = options;
    this.sample();
  }

  /** To be called every few seconds. */
  sample(): void {
    const { clock, read } = this.#options;
    this.#cpuMs.add(clock.monotonicMs(), read().cpuMs);
  }

  #measure(): { cpuPercent: number; rssBytes: number; spanMs: number } {
    const { cpuMs, rssBytes } = this.#options.read();
    const { perMs, spanMs } = this.#cpuMs.rateTo(this.#options.clock.monotonicMs(), cpuMs);
    return { cpuPercent: perMs * 100, rssBytes, spanMs };
  }

  use(): ResourceUse {
    const { cpuPercent, rssBytes } = this.#measure();
    return { cpuPercent, memoryBytes: rssBytes, budget: this.#options.budget };
  }

  /** Whether the role keeps its budget, as a line for a person. */
  check(): { ok: boolean; message: string } {
    const { budget, section } = this.#options;
    const { cpuPercent, rssBytes, spanMs } = this.#measure();
    const cpu = `${cpuPercent.toFixed(1)} % of a processor`;
    const memory = `${formatBytes(rssBytes)} of memory`;
    if (!budget) return { ok: true, message: `${cpu}, ${memory}` };
    const over = (used: string, key: string, allowed: string) => ({
      ok: false,
      message: `uses ${used}, more than its budget of ${allowed}; give it less to do or raise ${section}.budget.${key}`,
    });
    if (rssBytes > budget.memoryBytes) return over(memory, "memory", formatBytes(budget.memoryBytes));
    if (spanMs >= judgedMs && cpuPercent > budget.cpuPercent) return over(cpu, "cpu_percent", `${budget.cpuPercent} %`);
    return { ok: true, message: `${cpu} of ${budget.cpuPercent} %, ${memory} of ${formatBytes(budget.memoryBytes)}` };
  }
}
