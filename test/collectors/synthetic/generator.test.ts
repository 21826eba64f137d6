import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { GeneratedEvent } from "../../../src/collectors/synthetic/generator.ts";
import { type ScenarioName, scenarioNames } from "../../../src/collectors/synthetic/scenario.ts";
import { decodePayload } from "../../../src/envelope/index.ts";
import { createGenerator, digestOf, hourMs, runGenerator, startMs } from "./run-generator.ts";

setDefaultTimeout(20_000);

const hour = runGenerator();
const made = ["10.20.", "192.0.2.", "198.51.100.", "203.0.113."];

/** What stands in the event's own bytes, as far as the truth speaks of it. */
function decoded(event: GeneratedEvent) {
  const { kind, tsNs, payload } = event.encode();
  const result = decodePayload(kind, payload);
  if (!result.ok) throw new Error(result.reason);
  if (result.payload.kind === "process") return { kind, tsNs, startNs: result.payload.event.startTsNs };
  if (result.payload.kind !== "flow") throw new Error(`an event of kind ${kind}`);
  const { srcIp, dstIp, startTime, endTime } = result.payload.event;
  return { kind, tsNs, startNs: startTime, endNs: endTime, source: srcIp, target: dstIp };
}

describe("generator", () => {
  test("the same seed and start make the same bytes and the same truth", () => {
    const again = runGenerator();
    expect(hour.events.length).toBeGreaterThan(5000);
    expect(digestOf(again.events)).toBe(digestOf(hour.events));
    expect(again.truths).toEqual(hour.truths);
  });

  test("another seed, or another start, makes other bytes", () => {
    const digests = [{}, { seed: 2 }, { startMs: startMs + 1000 }].map((differing) =>
      digestOf(runGenerator({ durationMs: 300_000, ...differing }).events),
    );
    expect(new Set(digests).size).toBe(3);
  });

  test("a scenario is the same whatever runs beside it, and in whatever order it is named", () => {
    const alone = runGenerator({ scenarios: ["brute-force"] });
    const beside = hour.events.filter(({ scenario }) => scenario === "brute-force");
    expect(alone.events.map(({ draft }) => draft)).toEqual(beside.map(({ draft }) => draft));
    const turned = runGenerator({ scenarios: [...scenarioNames].reverse() });
    expect(digestOf(turned.events)).toBe(digestOf(hour.events));
  });

  test("events come in order of time, each at its own", () => {
    let lastUs = 0;
    for (const { draft, endUs } of hour.events) {
      expect(endUs).toBeGreaterThan(lastUs);
      expect(endUs - draft.endUs).toBeLessThan(50);
      expect(draft.startUs).toBeGreaterThanOrEqual(startMs * 1000);
      lastUs = endUs;
    }
  });

  test("events that would end at the same time are told apart", () => {
    // a seed whose run has two such
    const { events } = runGenerator({
      seed: 4,
      startMs: startMs + 2 * hourMs,
      durationMs: 60_000,
      scenarios: ["normal-day", "burst"],
    });
    const distinct = (times: number[]) => new Set(times).size;
    expect(distinct(events.map(({ draft }) => draft.endUs))).toBe(events.length - 1);
    expect(distinct(events.map(({ endUs }) => endUs))).toBe(events.length);
  });

  test.each([...scenarioNames])("the truth about %s agrees with its events", (name) => {
    const truths = hour.truths.filter(({ scenario }) => scenario === name);
    expect(truths.length).toBe(1);
    for (const truth of truths) {
      const own = truth.ranges.flatMap(([first, last]) => hour.events.slice(first, last + 1));
      const facts = own.map(decoded);
      const flows = facts.filter(({ kind }) => kind === "flow");
      expect(own.every(({ scenario }) => scenario === name)).toBe(true);
      expect(truth.events).toBe(hour.events.filter(({ scenario }) => scenario === name).length);
      expect(truth.events).toBe(own.length);
      expect(truth.kinds).toEqual({ flow: flows.length, process: facts.length - flows.length });
      expect(truth.hosts.sources).toEqual([...new Set(flows.map(({ source }) => `${source}`))]);
      expect(truth.hosts.targets).toEqual([...new Set(flows.map(({ target }) => `${target}`))]);
      expect(truth.hosts.processes.length > 0).toBe(truth.kinds.process > 0);
      const [earliest] = facts.map(({ startNs }) => startNs).sort((a, b) => Number(a - b));
      expect([truth.start_ns, truth.end_ns]).toEqual([`${earliest}`, `${facts.at(-1)?.tsNs}`]);
      expect(flows.every(({ endNs, tsNs }) => endNs === tsNs)).toBe(true);
      expect(Date.parse(truth.start)).toBe(Number(BigInt(truth.start_ns) / 1_000_000n));
      expect(truth.complete).toBe(true);
    }
  });

  test("every event belongs to one instance", () => {
    const seen = new Uint8Array(hour.events.length);
    for (const [first, last] of hour.truths.flatMap(({ ranges }) => ranges)) {
      for (let index = first; index <= last; index += 1) seen[index] = (seen[index] ?? 0) + 1;
    }
    expect(seen.every((times) => times === 1)).toBe(true);
    expect(hour.unfinished).toEqual([]);
  });

  test("addresses are private or for documentation", () => {
    for (const { draft } of hour.events) {
      for (const address of draft.kind === "flow" ? [draft.source, draft.target] : [draft.host]) {
        expect(made.some((prefix) => address.startsWith(prefix))).toBe(true);
      }
    }
  });

  test("a short run has an instance of each scenario, complete", () => {
    const { truths } = runGenerator({ durationMs: 60_000 });
    const names = new Set(truths.map(({ scenario }) => scenario as ScenarioName));
    expect([...names].sort()).toEqual([...scenarioNames].sort());
    expect(truths.every(({ complete }) => complete)).toBe(true);
  });

  test("what is held does not grow with the length of the run", () => {
    const saturdayMs = Date.UTC(2026, 0, 3);
    const generator = createGenerator({ durationMs: 0, startMs: saturdayMs });
    let most = 0;
    let open = 0;
    for (let atMs = saturdayMs; atMs < saturdayMs + 48 * hourMs; ) {
      const event = generator.next();
      if (event === undefined) throw new Error("an endless run ended");
      const { waiting, open_instances } = generator.figures();
      most = Math.max(most, waiting);
      open = Math.max(open, open_instances);
      atMs = event.endUs / 1000;
    }
    expect(most).toBeLessThan(400);
    expect(open).toBeLessThan(2 * scenarioNames.length);
    expect(generator.figures().events).toBeGreaterThan(100_000);
  });
});
