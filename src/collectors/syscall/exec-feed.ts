import type { CollectorContext } from "../../core/collector.ts";
import { emitAll } from "../../core/emit-all.ts";
import { AmoskysError } from "../../core/errors.ts";
import type { CollectedEvent } from "../../core/event.ts";
import { RatedLog } from "../../core/rated-log.ts";
import { CgroupFinder, ProcessReader } from "../../procfs/index.ts";
import { bootFacts } from "./boot-facts.ts";
import { type BootFacts, decodeExecution, execEvent } from "./exec-event.ts";
import type { ExecSource } from "./exec-source.ts";

/** How often the ring buffer is read; it has to hold what is executed in between. */
const readMs = 100;
/** Records that are taken out of the ring buffer before the first of them is handed on. */
const recordsAtOnce = 256;

/** What executions are read from, and how many of them were lost since it was opened. */
export interface ExecFeedOptions {
  readonly source: ExecSource;
  readonly bootId: string;
  lostExecs(): number;
}

/** Hands executions on as they come, and declares those that the ring buffer had no room for. */
export class ExecFeed {
  readonly #options: ExecFeedOptions;
  readonly #context: CollectorContext;
  readonly #log: RatedLog;
  readonly #cgroups = new CgroupFinder(new ProcessReader("/proc"));
  readonly #timer: Timer;
  readonly #end = new AbortController();
  #draining: Promise<void> | undefined;
  #failure: AmoskysError | undefined;
  #seen = 0;
  #lost = 0;
  #checkedNs: bigint;

  constructor(options: ExecFeedOptions, context: CollectorContext) {
    this.#options = options;
    this.#context = context;
    this.#log = new RatedLog(context.observer, context.clock);
    this.#checkedNs = context.clock.wallNs();
    this.#timer = setInterval(() => this.#tick(), readMs);
  }

  /** Executions read; they are handed on within the time that `emitAll` waits for room. */
  get seen(): number {
    return this.#seen;
  }

  /** Why the last reading failed, if it did. */
  get failure(): AmoskysError | undefined {
    return this.#failure;
  }

  /** Sees no more, and hands on the rest without waiting for room: the outbox counts what it cannot hold. */
  async finish(): Promise<void> {
    if (this.#end.signal.aborted) return;
    clearInterval(this.#timer);
    this.#end.abort();
    this.#options.source.detach();
    await this.#draining;
    await this.#drain();
  }

  /** A failure is told, and tried again with the next tick. */
  #tick(): void {
    this.#draining ??= this.#drain()
      .then(
        () => {
          this.#failure = undefined;
        },
        (caught) => {
          this.#failure = AmoskysError.from(caught);
          const { code, message } = this.#failure;
          this.#log.log("read", "warn", `syscall: executions could not be read: ${message}`, { code });
        },
      )
      .finally(() => {
        this.#draining = undefined;
      });
  }

  /** Hands on what has come. While there is no room, for a while, what comes waits in the ring buffer. */
  async #drain(): Promise<void> {
    const first = this.#read();
    if (first.length > 0) await emitAll(this.#context, this.#from(first), this.#end.signal);
    this.#declareLost();
  }

  /** Events that were read, and all that can be read after them. */
  *#from(first: CollectedEvent[]): Generator<CollectedEvent> {
    let events = first;
    yield* events;
    while (events.length === recordsAtOnce) {
      events = this.#read();
      yield* events;
    }
  }

  #read(): CollectedEvent[] {
    const { source, bootId } = this.#options;
    const { clock, observer } = this.#context;
    let boot: BootFacts | undefined;
    let argsMissing = 0;
    const events: CollectedEvent[] = [];
    source.read((view, offset, length) => {
      const execution = decodeExecution(view, offset, length);
      if (!execution) return;
      boot ??= bootFacts(bootId, clock);
      if (execution.isArgsMissing) argsMissing += 1;
      events.push(execEvent(execution, boot, this.#cgroups.find(execution.pid, execution.cgroupId)));
    }, recordsAtOnce);
    this.#seen += events.length;
    if (events.length > 0) observer.count("amoskys_syscall_execs_total", {}, events.length);
    if (argsMissing > 0) observer.count("amoskys_syscall_args_missing_total", {}, argsMissing);
    return events;
  }

  #declareLost(): void {
    const { clock, observer, lose } = this.#context;
    const sinceNs = this.#checkedNs;
    this.#checkedNs = clock.wallNs();
    const lost = this.#options.lostExecs();
    const count = lost - this.#lost;
    this.#lost = lost;
    if (count <= 0) return;
    lose?.(count, sinceNs, this.#checkedNs);
    observer.count("amoskys_syscall_execs_lost_total", {}, count);
    this.#log.log("lost", "warn", `syscall: ${count} executions found no room in the ring buffer`, {
      hint: "a larger syscall.ring_bytes, or a smaller syscall.args_bytes_max",
    });
  }
}
