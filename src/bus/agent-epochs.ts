import type { Verdict } from "./ack-code.ts";
import type { BusLimits } from "./limits.ts";
import type { SourceQueue } from "./source-queue.ts";
import { TokenBucket } from "./token-bucket.ts";

export type EpochLimits = Pick<BusLimits, "epochsHeldMax" | "gapsHeldMax" | "epochsPerHourMax">;

const secondsAnHour = 3600;

/** What an agent waits where too many of its epochs wait for a commit or for what is missing. */
const fullHintMs = 1000;

/** What stays where there is too much: to look for what is idle is worth it for an eighth. */
const mostOf = (max: number) => max - Math.floor(max / 8);

/**
 * The epochs of one agent that are held in memory. An agent may have any number of them, since each loss of its log
 * makes one: where they are too many, idle ones are let go of, and made again from the log when they speak. These are
 * of the half that was not used for longest: first those without gaps, for which nothing late can come, then the
 * oldest.
 */
export class AgentEpochs {
  readonly #limits: EpochLimits;
  /** What the agent may still begin; it fills up again within an hour. */
  readonly #begun: TokenBucket;
  /** By epoch; what was used last is at the end. */
  readonly #held = new Map<string, SourceQueue>();
  /** Ranges of gaps of all of them. */
  #gaps = 0;

  constructor(limits: EpochLimits, nowMs: number) {
    this.#limits = limits;
    this.#begun = new TokenBucket(limits.epochsPerHourMax / secondsAnHour, limits.epochsPerHourMax, nowMs);
  }

  get count(): number {
    return this.#held.size;
  }

  get sources(): Iterable<SourceQueue> {
    return this.#held.values();
  }

  /** An epoch that is held. */
  find(epoch: string): SourceQueue | undefined {
    return this.#held.get(epoch);
  }

  /** Takes a source in, or notes that it is used. */
  use(source: SourceQueue): void {
    const { epoch } = source.key;
    if (!this.#held.delete(epoch)) this.#gaps += source.gapCount;
    this.#held.set(epoch, source);
  }

  /** The gaps of a source that is held became more by so many, or fewer. */
  addGaps(count: number): void {
    this.#gaps += count;
  }

  /** Where more is held than there may be: lets go of idle ones, but not of `kept`; answers which. */
  trim(kept: SourceQueue): SourceQueue[] {
    if (!this.#isOver) return [];
    const { epochsHeldMax, gapsHeldMax } = this.#limits;
    const idle = [...this.#held.values()].filter((source) => source !== kept && source.isIdle);
    const isBare = ({ gapCount }: SourceQueue) => gapCount === 0;
    const older = idle.slice(0, Math.ceil(idle.length / 2));
    const gone: SourceQueue[] = [];
    if (this.#held.size > epochsHeldMax) {
      const inOrder = [...older.filter(isBare), ...older.filter((source) => !isBare(source))];
      gone.push(...inOrder.slice(0, this.#held.size - mostOf(epochsHeldMax)));
    }
    for (const source of gone) this.#letGo(source);
    if (this.#gaps <= gapsHeldMax) return gone;
    for (const source of idle) {
      if (this.#gaps <= mostOf(gapsHeldMax)) break;
      if (isBare(source) || !this.#held.has(source.key.epoch)) continue;
      this.#letGo(source);
      gone.push(source);
    }
    return gone;
  }

  /** Why a source that is held may take nothing in; counts it where it begins. */
  refusal(source: SourceQueue, nowMs: number): Verdict | undefined {
    const { epochsPerHourMax } = this.#limits;
    const { agent } = source.key;
    if (this.#isOver) {
      const reason = `too many epochs of ${agent} wait to be stored: no other is taken meanwhile`;
      return { code: "rate_limited", reason, hintMs: fullHintMs };
    }
    if (source.isKnown) return undefined;
    const hintMs = this.#begun.waitMs(nowMs);
    if (hintMs > 0) {
      const reason = `${agent} began ${epochsPerHourMax} epochs within an hour: see that its logs outlive its restarts`;
      return { code: "rate_limited", reason, hintMs };
    }
    this.#begun.take(1);
    source.isKnown = true;
    return undefined;
  }

  /** Whether more is held than there may be. A single one may always be. */
  get #isOver(): boolean {
    const { epochsHeldMax, gapsHeldMax } = this.#limits;
    return this.#held.size > epochsHeldMax || (this.#gaps > gapsHeldMax && this.#held.size > 1);
  }

  #letGo(source: SourceQueue): void {
    this.#held.delete(source.key.epoch);
    this.#gaps -= source.gapCount;
  }
}
