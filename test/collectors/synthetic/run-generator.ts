import {
  EventGenerator,
  type GeneratedEvent,
  type GeneratorOptions,
} from "../../../src/collectors/synthetic/generator.ts";
import { scenarioNames } from "../../../src/collectors/synthetic/scenario.ts";
import type { ScenarioTruth } from "../../../src/collectors/synthetic/truth-account.ts";

export const hourMs = 3_600_000;

/** A Monday, when people begin to work. */
export const startMs = Date.UTC(2026, 0, 5, 8);

export function createGenerator(options: Partial<GeneratorOptions> = {}): EventGenerator {
  return new EventGenerator({ seed: 1, startMs, durationMs: hourMs, scenarios: scenarioNames, ...options });
}

/** Everything that a run makes. */
export function runGenerator(options: Partial<GeneratorOptions> = {}) {
  const generator = createGenerator(options);
  const events: GeneratedEvent[] = [];
  const truths: ScenarioTruth[] = [];
  for (let made = generator.next(); made; made = generator.next()) {
    events.push(made);
    if (made.truth) truths.push(made.truth);
  }
  return { events, truths, figures: generator.figures(), unfinished: generator.unfinished() };
}

/** One digest of all events: times and payloads. */
export function digestOf(events: readonly GeneratedEvent[]): string {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const event of events) {
    const { kind, tsNs, payload } = event.encode();
    hasher.update(`${kind} ${tsNs} ${payload.length} `).update(payload);
  }
  return hasher.digest("hex");
}
