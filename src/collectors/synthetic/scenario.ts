import type { Step } from "./draft.ts";
import type { Random } from "./random.ts";

/** The time in which one instance of a scenario may begin, in microseconds since the Unix epoch. */
export interface Window {
  readonly startUs: number;
  readonly endUs: number;
}

/** Names by which scenarios are chosen. */
export const scenarioNames = ["normal-day", "burst", "port-scan", "brute-force", "beacon", "exfiltration"] as const;

export type ScenarioName = (typeof scenarioNames)[number];

/** Something that happens in the network, again and again. */
export interface Scenario {
  readonly name: ScenarioName;
  /** What a detector should say of its events. */
  readonly label: "normal" | "anomaly" | "attack";
  /** The technique of MITRE ATT&CK that it shows. */
  readonly technique?: string;
  /** There is one instance in each such stretch of the run; a shorter run has one. */
  readonly everyUs: number;
  /** One instance, in order of `atUs`, bounded in memory. Everything follows from `random` and the window. */
  play(random: Random, window: Window): Iterable<Step>;
}

export const secondUs = 1_000_000;
export const minuteUs = 60 * secondUs;
export const hourUs = 60 * minuteUs;

/** When an instance that takes `lengthUs` begins, so that it fits into its window. */
export function beginIn(random: Random, { startUs, endUs }: Window, lengthUs: number): number {
  return Math.round(random.between(startUs, Math.max(startUs, endUs - lengthUs)));
}
