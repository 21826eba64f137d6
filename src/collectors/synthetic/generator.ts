import type { CollectedEvent } from "../../core/event.ts";
import type { Draft } from "./draft.ts";
import { encodeDraft } from "./encode.ts";
import { EventQueue } from "./event-queue.ts";
import type { ScenarioName } from "./scenario.ts";
import { ScenarioTrack } from "./scenario-track.ts";
import { scenarios } from "./scenarios.ts";
import type { ScenarioTruth, TruthAccount } from "./truth-account.ts";

export interface GeneratorOptions {
  readonly seed: number;
  /** Milliseconds since the Unix epoch. */
  readonly startMs: number;
  /** 0 is without end. What begins within it is whole, so that the last events may come after it. */
  readonly durationMs: number;
  readonly scenarios: readonly ScenarioName[];
}

/** One event, before it is encoded. */
export interface GeneratedEvent {
  readonly draft: Draft;
  /** Its time; no two events of a run share one. */
  readonly endUs: number;
  readonly scenario: ScenarioName;
  /** The instance that this event ends, where it does. */
  readonly truth: ScenarioTruth | undefined;
  encode(): CollectedEvent;
}

/**
 * Events of several scenarios in order of time, made as they are asked for. It holds the next step of each scenario,
 * the events of steps that were begun and have not ended, and the truth about instances under way: nothing that grows
 * with the length of the run.
 */
export class EventGenerator {
  readonly #tracks: readonly ScenarioTrack[];
  readonly #queue = new EventQueue<TruthAccount>();
  readonly #open = new Set<TruthAccount>();
  #lastUs = 0;
  #events = 0;
  #instances = 0;

  constructor({ seed, startMs, durationMs, scenarios: names }: GeneratorOptions) {
    const startUs = startMs * 1000;
    const endUs = durationMs === 0 ? Number.POSITIVE_INFINITY : startUs + durationMs * 1000;
    const run = { startUs, endUs };
    // the order of names on the command line changes nothing
    const chosen = Object.values(scenarios).filter(({ name }) => names.includes(name));
    this.#tracks = chosen.map((scenario) => new ScenarioTrack(scenario, seed, run));
  }

  /** The next event; undefined at the end of the run. */
  next(): GeneratedEvent | undefined {
    this.#fill();
    const taken = this.#queue.take();
    if (taken === undefined) return undefined;
    const { draft, owner } = taken;
    const endUs = Math.max(draft.endUs, this.#lastUs + 1);
    this.#lastUs = endUs;
    owner.waiting -= 1;
    owner.add(draft, endUs, this.#events);
    this.#events += 1;
    let truth: ScenarioTruth | undefined;
    if (owner.isOver) {
      this.#open.delete(owner);
      this.#instances += 1;
      truth = owner.truth();
    }
    return { draft, endUs, scenario: owner.scenario.name, truth, encode: () => encodeDraft(draft, endUs) };
  }

  /** The truth so far about instances that are under way. */
  unfinished(): ScenarioTruth[] {
    return [...this.#open].map((account) => account.truth()).filter(({ events }) => events > 0);
  }

  /** Totals, and what is held now; `timeUs` is that of the last event. */
  figures() {
    const { length: waiting } = this.#queue;
    return {
      events: this.#events,
      instances: this.#instances,
      open_instances: this.#open.size,
      waiting,
      timeUs: this.#lastUs,
    };
  }

  /** Takes steps until none of those to come can end before the event in front. */
  #fill(): void {
    for (;;) {
      const track = this.#tracks.reduce((first, other) => (other.nextUs < first.nextUs ? other : first));
      const { frontUs } = this.#queue;
      if (frontUs !== undefined && frontUs < track.nextUs) return;
      const taken = track.take();
      if (taken === undefined) return;
      const { step, account } = taken;
      this.#open.add(account);
      account.waiting += step.drafts.length;
      for (const draft of step.drafts) this.#queue.add(draft, account);
    }
  }
}
