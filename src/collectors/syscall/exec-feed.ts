import type { CollectorContext } from "../../core/collector.ts";
import { AmoskysError } from "../../core/errors.ts";
import { CgroupFinder, ProcessReader } from "../../procfs/index.ts";
import { bootFacts } from "./boot-facts.ts";
import { decodeExecution, execEvent } from "./exec-event.ts";
import type { ExecSource } from "./exec-source.ts";

/** How often the ring buffer is read; it has to hold what is executed in between. */
const readMs = 100;
/** Records read before it is asked whether there is room for more events. */
const recordsAtOnce = 256;

/** Hands executions on as they come, and declares those that the ring buffer had no room for. */
export class ExecFeed {
  readonly #source: ExecSource;
  readonly #context: CollectorContext;
  readonly #lostExecs: () => number;
  readonly #cgroups = new CgroupFinder(new ProcessReader("/proc"));
  readonly #timer: Timer;
  #draining: Promise<void> | undefined;
  #isFinished = false;
  #seen = 0;
  #lost = 0;
  #checkedNs: bigint;

  /** `lostExecs` answers how many executions were lost since the source was opened. */
  constructor(source: ExecSource, context: CollectorContext, lostExecs: () => number) {
    this.#source = source;
    this.#context = context;
    this.#lostExecs = lostExecs;
    this.#checkedNs = context.clock.wallNs();
    this.#timer = setInterval(() => this.#tick(), readMs);
  }

  /** Executions handed on. */
  get seen(): number {
    return this.#seen;
  }

  /** Hands on what has come, as fast as there is room for it. What comes meanwhile waits in the ring buffer. */
  drain(): Promise<void> {
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
    });
    return this.#draining;
  }

  /** Sees no more, and hands on the rest without waiting for room: the outbox counts what it cannot hold. */
  finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    clearInterval(this.#timer);
    this.#source.detach();
    this.#read();
    this.#declareLost();
  }

  /** A failure is told, and tried again with the next tick; the round after it fails with it as well. */
  #tick(): void {
    this.drain().catch((caught) => {
      const { code, message } = AmoskysError.from(caught);
      this.#context.observer.log("warn", `syscall: executions could not be read: ${message}`, { code });
    });
  }

  async #drain(): Promise<void> {
    let records: number;
    do {
      await this.#context.room();
      if (this.#isFinished) return;
      records = this.#read(recordsAtOnce);
    } while (records === recordsAtOnce);
    this.#declareLost();
  }

  #read(recordsMax?: number): number {
    const { clock, observer, emit } = this.#context;
    const boot = bootFacts(clock);
    let argsMissing = 0;
    const records = this.#source.read((view, offset, length) => {
      const execution = decodeExecution(view, offset, length);
      if (!execution) return;
      if (execution.isArgsMissing) argsMissing += 1;
      emit(execEvent(execution, boot, this.#cgroups.find(execution.pid, execution.cgroupId)));
    }, recordsMax);
    this.#seen += records;
    if (records > 0) observer.count("amoskys_syscall_execs_total", {}, records);
    if (argsMissing > 0) observer.count("amoskys_syscall_args_missing_total", {}, argsMissing);
    return records;
  }

  #declareLost(): void {
    const { clock, observer, lose } = this.#context;
    const sinceNs = this.#checkedNs;
    this.#checkedNs = clock.wallNs();
    const lost = this.#lostExecs();
    const count = lost - this.#lost;
    this.#lost = lost;
    if (count <= 0) return;
    lose?.(count, sinceNs, this.#checkedNs);
    observer.count("amoskys_syscall_execs_lost_total", {}, count);
    observer.log("warn", `syscall: ${count} executions found no room in the ring buffer`, {
      hint: "a larger syscall.ring_bytes, or a smaller syscall.args_bytes_max",
    });
  }
}
