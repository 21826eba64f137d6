import type { Step } from "./draft.ts";
import { Random } from "./random.ts";
import type { Scenario, Window } from "./scenario.ts";
import { TruthAccount } from "./truth-account.ts";

/** A shorter rest of the run has no instance of its own. */
const windowUsMin = 60_000_000;

interface OwnedStep {
  readonly step: Step;
  readonly account: TruthAccount;
}

/** One scenario through the whole run: instance after instance, each made when the one before it is over. */
export class ScenarioTrack {
  readonly #steps: Iterator<OwnedStep, void>;
  #next: OwnedStep | undefined;

  constructor(scenario: Scenario, seed: number, run: Window) {
    this.#steps = playInstances(scenario, seed, run);
    this.#next = this.#steps.next().value ?? undefined;
  }

  /** When the next step is; Infinity at the end of the run. */
  get nextUs(): number {
    return this.#next?.step.atUs ?? Number.POSITIVE_INFINITY;
  }

  /** The next step and whose it is. Its account is closed to further ones if it was the last of its instance. */
  take(): OwnedStep | undefined {
    const taken = this.#next;
    this.#next = this.#steps.next().value ?? undefined;
    return taken;
  }
}

function* playInstances(scenario: Scenario, seed: number, run: Window): Generator<OwnedStep, void> {
  for (let instance = 0; ; instance += 1) {
    const window = windowOf(scenario, instance, run);
    if (window === undefined) return;
    const account = new TruthAccount(scenario, instance);
    const random = Random.of(seed, `${scenario.name} ${instance}`);
    for (const step of scenario.play(random, window)) yield { step, account };
    account.isPlayed = true;
  }
}

function windowOf({ everyUs }: Scenario, instance: number, run: Window): Window | undefined {
  const startUs = run.startUs + instance * everyUs;
  const endUs = Math.min(startUs + everyUs, run.endUs);
  const isOwn = instance === 0 || endUs - startUs >= windowUsMin;
  return startUs < endUs && isOwn ? { startUs, endUs } : undefined;
}
