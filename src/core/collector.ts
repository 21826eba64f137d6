import type { Clock } from "./clock.ts";
import type { CollectedEvent } from "./event.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Observer } from "./observer.ts";
import type { SpawnWorker } from "./worker.ts";

/** What a collector is given. It knows neither signing, log nor network. */
export interface CollectorContext {
  /** Hands an event on. Never blocks and never throws: what finds no room is counted and declared lost. */
  emit(event: CollectedEvent): void;
  /** Tells of events that never came to `emit`, from the first to the last time, so that their loss is declared. */
  lose?(count: number, startNs: bigint, endNs: bigint): void;
  /** Resolves when there is room for more. For sources that can wait, such as files. */
  room(): Promise<void>;
  readonly observer: Observer;
  readonly clock: Clock;
  readonly spawnWorker: SpawnWorker;
  /** Where relative paths of the configuration start; absolute. Without it they start at the current directory. */
  readonly home?: string;
  /** Absolute; where a collector keeps what it has to know after a restart. Without it nothing is kept. */
  readonly stateFolder?: string;
  /** The bus of this agent as IP addresses and port, so that the agent's own traffic can be told apart. */
  readonly bus?: { readonly addresses: readonly string[]; readonly port: number };
}

/** How a collector is doing, for `status` and the health page. */
export interface CollectorHealth {
  readonly status: "ok" | "degraded" | "failed";
  /** One line for a person, also when all is well: what it is waiting for, or what it sees. */
  readonly message: string;
  /** Totals by name, such as packets, flows, drops. */
  readonly figures: Readonly<Record<string, number>>;
}

/** A source of events and what turns it into them. */
export interface Collector extends Lifecycle {
  /** Resolves when the source has ended by itself (a file was read, one round was made); rejects when it failed. */
  readonly done: Promise<void>;
  health(): CollectorHealth;
}

/** What the registry knows of a collector; `Options` is its section of the configuration joined with flags. */
export interface CollectorDefinition<Options> {
  readonly name: string;
  create(options: Options, context: CollectorContext): Collector;
}
