import type { BusAnswer } from "./bus-probe.ts";
import { type BusSight, type BusVerdict, figure, judgeBus } from "./decode.ts";

/** When a look began. */
export interface LookTime {
  /** Nanoseconds since the Unix epoch. */
  readonly wallNs: bigint;
  readonly monotonicMs: number;
}

/** One look at the bus, and what it means beside those before. */
export interface Look {
  readonly at: LookTime;
  readonly sight: BusSight;
  readonly verdict: BusVerdict;
  /** Whether this is news: another condition than before, the first look, or a bus that was started anew. */
  readonly isNews: boolean;
  /** The verdict that this one takes the place of, and how long it stood; undefined where the condition is the same. */
  readonly before: { readonly verdict: BusVerdict; readonly lastedMs: number } | undefined;
  /** Whether the bus was started anew since it answered last. */
  readonly isRestarted: boolean;
  /** Restarts that were seen. */
  readonly restarts: number;
  /** Events a second since the answer before; undefined at the first, and after a restart. */
  readonly throughput: number | undefined;
  /** Milliseconds since the bus answered last, or since the first look; 0 where it answers. */
  readonly unansweredMs: number;
  /** Looks without an answer. */
  readonly failedLooks: number;
}

interface PastAnswer {
  readonly answer: BusAnswer;
  readonly atMs: number;
}

/** Remembers of the looks before what gives the next one its meaning. */
export class LookHistory {
  readonly #waitedMsMax: number;
  #verdict: BusVerdict | undefined;
  #sinceMs = 0;
  #last: PastAnswer | undefined;
  #heardMs: number | undefined;
  #waiting: { readonly lastCommit: number | undefined; readonly sinceMs: number } | undefined;
  #restarts = 0;
  #failedLooks = 0;

  /** `waitedMsMax`: how long calls may wait without a commit in between. */
  constructor(waitedMsMax: number) {
    this.#waitedMsMax = waitedMsMax;
  }

  add(sight: BusSight, at: LookTime): Look {
    const atMs = at.monotonicMs;
    const past = this.#last;
    const isRestarted = sight.reached && past !== undefined && isYounger(sight.answer, past.answer);
    if (isRestarted) this.#restarts += 1;
    const throughput = sight.reached && past && !isRestarted ? rate(past, sight.answer, atMs) : undefined;
    this.#heardMs ??= atMs;
    if (sight.reached) {
      this.#last = { answer: sight.answer, atMs };
      this.#heardMs = atMs;
    } else {
      this.#failedLooks += 1;
    }
    const verdict = judgeBus(sight, { waitedMs: this.#waitedMs(sight, atMs), waitedMsMax: this.#waitedMsMax });
    const previous = this.#verdict;
    const isChanged = previous?.condition !== verdict.condition;
    const before = previous && isChanged ? { verdict: previous, lastedMs: atMs - this.#sinceMs } : undefined;
    if (isChanged) this.#sinceMs = atMs;
    this.#verdict = verdict;
    return {
      at,
      sight,
      verdict,
      isNews: isChanged || isRestarted,
      before,
      isRestarted,
      restarts: this.#restarts,
      throughput,
      unansweredMs: atMs - this.#heardMs,
      failedLooks: this.#failedLooks,
    };
  }

  /**
   * How long calls have waited without a commit in between. One look does not tell: a bus that was idle for an hour has
   * an old commit, and a call in flight, in the moment before the next commit.
   */
  #waitedMs(sight: BusSight, atMs: number): number {
    if (!sight.reached || (figure(sight.answer, "inflight") ?? 0) === 0) {
      this.#waiting = undefined;
      return 0;
    }
    const lastCommit = figure(sight.answer, "last_commit_ms");
    if (this.#waiting?.lastCommit !== lastCommit) this.#waiting = undefined;
    this.#waiting ??= { lastCommit, sinceMs: atMs };
    return atMs - this.#waiting.sinceMs;
  }
}

/** What a bus counts since its start never goes back while it runs. */
function isYounger(now: BusAnswer, before: BusAnswer): boolean {
  return now.uptimeSeconds < before.uptimeSeconds || now.eventsTotal < before.eventsTotal;
}

function rate({ answer, atMs }: PastAnswer, now: BusAnswer, nowMs: number): number | undefined {
  if (nowMs <= atMs) return undefined;
  return ((now.eventsTotal - answer.eventsTotal) * 1000) / (nowMs - atMs);
}
