import type { TrustEntry, TrustMap } from "../identity/index.ts";
import type { Verdict } from "./ack-code.ts";
import type { Pending } from "./unit.ts";

/** Who sends, and when: the same for all events of a call. */
export interface Sender {
  readonly entry: TrustEntry;
  readonly trust: TrustMap;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
}

/** An event that was let in and whose answer is known only once the log has it, or does not. */
export interface Waiting {
  readonly pending: Pending;
  /** The answer to this event, given what became of what it waits for. */
  answer(verdict: Verdict): Verdict;
}

/** What admission says of one event. */
export type Outcome = Verdict | Waiting;

/** Whether the answer is not known yet. */
export function isWaiting(outcome: Outcome): outcome is Waiting {
  return "pending" in outcome;
}

/** Waits for something of one's own. */
export function awaiting(pending: Pending): Waiting {
  return { pending, answer: (verdict) => verdict };
}

/** Waits for something that came before: shares its fate, and is judged against it once it is stored. */
export function sharing(pending: Pending, onceStored: () => Verdict): Waiting {
  return { pending, answer: (verdict) => (verdict.code === "stored" ? onceStored() : verdict) };
}
