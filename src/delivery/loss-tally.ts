import { earlier, later } from "./sequence-ranges.ts";

/** Why events are lost: before they have a sequence, or after. The words stand in loss records and in metrics. */
export type LossReason = "collector" | "queue" | "size" | "disk" | "budget" | "damage";

/** Events of one reason that no sequence stands for yet. */
export interface Loss {
  readonly reason: LossReason;
  readonly count: number;
  /** Stamps of the first and the last event lost, nanoseconds since the Unix epoch. */
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** Counts what was lost until a signed loss record says it. */
export class LossTally {
  readonly #losses = new Map<LossReason, Loss>();

  add(loss: Loss): void {
    const { reason, count, startNs, endNs } = loss;
    const before = this.#losses.get(reason);
    const merged = before && {
      reason,
      count: before.count + count,
      startNs: earlier(before.startNs, startNs),
      endNs: later(before.endNs, endNs),
    };
    this.#losses.set(reason, merged ?? loss);
  }

  get isEmpty(): boolean {
    return this.#losses.size === 0;
  }

  /** Events lost and not declared yet. */
  get count(): number {
    let count = 0;
    for (const loss of this.#losses.values()) count += loss.count;
    return count;
  }

  losses(): Loss[] {
    return [...this.#losses.values()];
  }

  /** All of it is declared. */
  clear(): void {
    this.#losses.clear();
  }
}
