import type { Verdict } from "./ack-code.ts";
import type { BatchPlan } from "./batch-plan.ts";
import type { LegacyUnit } from "./unit.ts";

function unitId(agent: string, key: string): string {
  return `${agent}\0${key}`;
}

/** Events of earlier agents on their way into the log: no sequence, so in the order they came. */
export class LegacyLane {
  /** By agent and key; those in flight too. */
  readonly #waiting = new Map<string, LegacyUnit>();
  #queue: LegacyUnit[] = [];
  #flying: LegacyUnit[] = [];

  get hasReady(): boolean {
    return this.#queue.length > 0;
  }

  find(agent: string, key: string): LegacyUnit | undefined {
    return this.#waiting.get(unitId(agent, key));
  }

  /** Takes in a unit whose key does not wait yet. */
  offer(unit: LegacyUnit): void {
    this.#waiting.set(unitId(unit.agent, unit.key), unit);
    this.#queue.push(unit);
  }

  collect(plan: BatchPlan): void {
    let taken = 0;
    while (taken < this.#queue.length && !plan.isFull) {
      plan.addLegacy(this.#queue[taken] as LegacyUnit);
      taken += 1;
    }
    this.#flying = this.#queue.slice(0, taken);
    this.#queue = this.#queue.slice(taken);
  }

  /** The batch that was collected last is done with, well or not. */
  land(): void {
    this.#forget(this.#flying);
    this.#flying = [];
  }

  /** Sends away everything that is not in flight. */
  dismiss(verdict: Verdict): void {
    for (const unit of this.#queue) unit.settle(verdict);
    this.#forget(this.#queue);
    this.#queue = [];
  }

  #forget(units: readonly LegacyUnit[]): void {
    for (const { agent, key } of units) this.#waiting.delete(unitId(agent, key));
  }
}
