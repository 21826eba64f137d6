import type { Varbind } from "./values.ts";

/** Puts questions to one agent, each with its tries and its timeout; what goes wrong is a typed error. */
export interface Asker {
  /** The instances that were asked for, in their order; what the agent does not have is absent. */
  get(oids: readonly string[]): Promise<Varbind[]>;
  /** Successors of each OID, one list for each: up to `repetitions`, or one where the version knows no GETBULK. */
  getBulk(oids: readonly string[], repetitions: number): Promise<Varbind[][]>;
  /** Releases socket and timers; what is open may stay without an answer. Safe twice. */
  close(): void;
}
