import type { Draft } from "./draft.ts";
import type { Scenario } from "./scenario.ts";

/** What is true of the events of one scenario instance: a line of the truth file. */
export interface ScenarioTruth {
  readonly scenario: string;
  /** Of this scenario, from 0. */
  readonly instance: number;
  readonly label: Scenario["label"];
  readonly technique?: string;
  /** Start of the first and time of the last event, RFC 3339 in milliseconds, and as nanoseconds since the epoch. */
  readonly start: string;
  readonly end: string;
  readonly start_ns: string;
  readonly end_ns: string;
  /** Who began flows, to whom, and where programs were started, in order of appearance. */
  readonly hosts: { readonly sources: string[]; readonly targets: string[]; readonly processes: string[] };
  readonly events: number;
  readonly kinds: { readonly flow: number; readonly process: number };
  /** Which events of the run, counted from 0 in the order they are emitted: pairs of first and last. */
  readonly ranges: readonly (readonly [number, number])[];
  /** All of it was emitted; false where the run was stopped in its middle. */
  readonly complete: boolean;
}

/** Collects what becomes the truth about one instance, while its events are emitted. */
export class TruthAccount {
  readonly #scenario: Scenario;
  readonly #instance: number;
  readonly #hosts = { sources: new Set<string>(), targets: new Set<string>(), processes: new Set<string>() };
  readonly #kinds = { flow: 0, process: 0 };
  readonly #ranges: [number, number][] = [];
  #startUs = Number.POSITIVE_INFINITY;
  #endUs = 0;
  /** Drafts that wait for their turn. */
  waiting = 0;
  /** No further drafts will come. */
  isPlayed = false;

  constructor(scenario: Scenario, instance: number) {
    this.#scenario = scenario;
    this.#instance = instance;
  }

  get scenario(): Scenario {
    return this.#scenario;
  }

  /** Every event was emitted. */
  get isOver(): boolean {
    return this.isPlayed && this.waiting === 0;
  }

  /** Counts an event, by its index in the run. */
  add(draft: Draft, endUs: number, index: number): void {
    this.#kinds[draft.kind] += 1;
    this.#startUs = Math.min(this.#startUs, draft.startUs);
    this.#endUs = endUs;
    if (draft.kind === "flow") {
      this.#hosts.sources.add(draft.source);
      this.#hosts.targets.add(draft.target);
    } else this.#hosts.processes.add(draft.host);
    const range = this.#ranges.at(-1);
    if (range?.[1] === index - 1) range[1] = index;
    else this.#ranges.push([index, index]);
  }

  truth(): ScenarioTruth {
    const { name, label, technique } = this.#scenario;
    const { sources, targets, processes } = this.#hosts;
    const { flow, process } = this.#kinds;
    return {
      scenario: name,
      instance: this.#instance,
      label,
      ...(technique === undefined ? {} : { technique }),
      start: new Date(this.#startUs / 1000).toISOString(),
      end: new Date(this.#endUs / 1000).toISOString(),
      start_ns: `${BigInt(this.#startUs) * 1000n}`,
      end_ns: `${BigInt(this.#endUs) * 1000n}`,
      hosts: { sources: [...sources], targets: [...targets], processes: [...processes] },
      events: flow + process,
      kinds: { flow, process },
      ranges: this.#ranges,
      complete: this.isOver,
    };
  }
}
