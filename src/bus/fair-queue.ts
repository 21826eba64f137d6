import type { Clock } from "../core/clock.ts";

interface Lane {
  readonly tasks: (() => void)[];
  creditMs: number;
}

/** What one agent may use before the next has its turn. */
const quantumMs = 2;

/** Charged for every task beside its measured time, so that many tiny ones count too. */
const taskMs = 0.01;

/** How long one run may hold the event loop. */
const sliceMs = 10;

/**
 * Shares the one thread that checks events between agents: deficit round robin over the time that their work takes
 * (Shreedhar and Varghese, 1995). Tasks of one agent run in the order they came.
 */
export class FairQueue {
  readonly #clock: Clock;
  readonly #lanes = new Map<string, Lane>();
  #scheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `work` when the agent's turn comes. */
  run<T>(agent: string, work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      let lane = this.#lanes.get(agent);
      if (!lane) {
        lane = { tasks: [], creditMs: 0 };
        this.#lanes.set(agent, lane);
      }
      lane.tasks.push(() => {
        try {
          resolve(work());
        } catch (caught) {
          reject(caught);
        }
      });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.turn();
      if (this.#lanes.size > 0) this.#schedule();
    });
  }

  /** Runs what fits into one slice of time. */
  turn(): void {
    const endMs = this.#clock.monotonicMs() + sliceMs;
    while (this.#lanes.size > 0 && this.#clock.monotonicMs() < endMs) {
      const [agent, lane] = this.#lanes.entries().next().value as [string, Lane];
      this.#lanes.delete(agent);
      this.#serve(lane, endMs);
      // Behind the others, with what it owes; an agent that has nothing to do saves nothing up.
      if (lane.tasks.length > 0) this.#lanes.set(agent, lane);
    }
  }

  #serve(lane: Lane, endMs: number): void {
    lane.creditMs += quantumMs;
    let done = 0;
    let nowMs = this.#clock.monotonicMs();
    while (lane.creditMs > 0 && done < lane.tasks.length && nowMs < endMs) {
      lane.tasks[done]?.();
      done += 1;
      const afterMs = this.#clock.monotonicMs();
      lane.creditMs -= afterMs - nowMs + taskMs;
      nowMs = afterMs;
    }
    lane.tasks.splice(0, done);
  }
}
