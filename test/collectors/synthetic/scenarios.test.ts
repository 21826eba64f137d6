import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { FlowDraft } from "../../../src/collectors/synthetic/draft.ts";
import type { ScenarioName } from "../../../src/collectors/synthetic/scenario.ts";
import { hourMs, runGenerator, startMs } from "./run-generator.ts";

setDefaultTimeout(20_000);

/** The first instance of a scenario for each of several seeds: its flows, and the programs that were started. */
function instances(name: ScenarioName) {
  return [1, 2, 3, 4, 5].map((seed) => {
    const { events } = runGenerator({ seed, scenarios: [name] });
    const drafts = events.map(({ draft }) => draft);
    const programs = drafts.flatMap((draft) => (draft.kind === "process" ? [draft.args[0]] : []));
    return { flows: drafts.filter((draft): draft is FlowDraft => draft.kind === "flow"), programs };
  });
}

const seconds = ({ startUs, endUs }: FlowDraft) => (endUs - startUs) / 1e6;

describe("scenarios", () => {
  test("a normal day has its hours, names before connections, and a long tail of sizes", () => {
    const { events } = runGenerator({
      startMs: startMs - 8 * hourMs,
      durationMs: 24 * hourMs,
      scenarios: ["normal-day"],
    });
    const hours = new Array<number>(25).fill(0);
    for (const { draft } of events) {
      const hour = Math.floor((draft.startUs / 1000 - startMs) / hourMs) + 8;
      hours[hour] = (hours[hour] ?? 0) + 1;
    }
    expect(hours[10]).toBeGreaterThan(8 * (hours[3] as number));
    const flows = events.flatMap(({ draft }) => (draft.kind === "flow" ? [draft] : []));
    const ports = new Set(flows.map(({ targetPort }) => targetPort));
    expect([...ports].sort((a, b) => a - b)).toEqual([53, 80, 443, 587, 993]);
    const received = flows.filter(({ protocol }) => protocol === "TCP").map(({ rx }) => rx.ipBytes);
    received.sort((a, b) => a - b);
    const median = received[received.length >> 1] as number;
    expect(median).toBeWithin(5000, 60_000);
    expect(received.at(-1)).toBeGreaterThan(100 * median);
  });

  test("a weekend is quieter than a Monday", () => {
    const count = (at: number) => runGenerator({ startMs: at, scenarios: ["normal-day"] }).events.length;
    expect(count(startMs - 24 * hourMs)).toBeLessThan(count(startMs) / 2);
  });

  test("a burst is about ten times the normal minute, and over in one", () => {
    for (const seed of [1, 2, 3]) {
      const { events } = runGenerator({ seed });
      const began = events.filter(({ scenario }) => scenario === "burst").map(({ draft }) => draft.startUs);
      // what people do begins with a lookup, whose start is the session's
      const from = Math.min(...began);
      const isLookup = ({ draft }: (typeof events)[number]) => draft.kind === "flow" && draft.targetPort === 53;
      const lookups = events.filter(isLookup);
      const inMinute = lookups.filter(({ draft }) => draft.startUs >= from && draft.startUs < from + 60e6).length;
      const normally = lookups.filter(({ scenario }) => scenario === "normal-day").length / 60;
      expect(inMinute / normally).toBeWithin(7, 13);
      const burst = lookups.filter(({ scenario }) => scenario === "burst").map(({ draft }) => draft.startUs);
      expect(Math.max(...burst) - from).toBeLessThan(60e6);
    }
  });

  test("a port scan is one source, one target, each port once, refused or silent but for a few", () => {
    for (const { flows } of instances("port-scan")) {
      expect(new Set(flows.map(({ source, target }) => `${source} ${target}`)).size).toBe(1);
      expect(new Set(flows.map(({ targetPort }) => targetPort)).size).toBe(flows.length);
      expect(flows.length).toBeGreaterThanOrEqual(200);
      const refused = flows.filter(({ rx, endReason }) => endReason === "rst" && rx.flags === 0x14).length;
      const silent = flows.filter(({ rx, endReason }) => endReason === "idle" && rx.packets === 0).length;
      const open = flows.filter(({ rx }) => rx.flags === 0x12).length;
      expect(refused + silent + open).toBe(flows.length);
      expect(open).toBeLessThanOrEqual(7);
      expect([refused > 0, silent > 0]).toEqual([true, true]);
    }
  });

  test("brute force is many short ssh connections, then one long session with a shell", () => {
    for (const { flows, programs } of instances("brute-force")) {
      const byStart = [...flows].sort((a, b) => a.startUs - b.startUs);
      const ports = [...new Set(byStart.map(({ sourcePort }) => sourcePort))];
      const last = byStart.filter(({ sourcePort }) => sourcePort === ports.at(-1));
      const guesses = byStart.slice(0, -last.length);
      expect(flows.every(({ targetPort }) => targetPort === 22)).toBe(true);
      expect(guesses.length).toBeGreaterThanOrEqual(60);
      expect(Math.max(...guesses.map(seconds))).toBeLessThanOrEqual(6);
      expect(last.reduce((sum, flow) => sum + seconds(flow), 0)).toBeGreaterThan(60);
      expect(programs[0]).toBe("/bin/bash");
      expect(programs.length).toBe(5);
    }
  });

  test("a beacon calls one address at a steady interval with jitter, with constant sizes", () => {
    for (const { flows, programs } of instances("beacon")) {
      expect(new Set(flows.map(({ target, targetPort }) => `${target} ${targetPort}`)).size).toBe(1);
      expect(new Set(flows.map(({ tx, rx }) => `${tx.ipBytes} ${rx.ipBytes}`)).size).toBe(1);
      const waits = flows.slice(1).map(({ startUs }, n) => (startUs - (flows[n] as FlowDraft).startUs) / 1e6);
      const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
      expect(Math.max(...waits.map((wait) => Math.abs(wait / mean - 1)))).toBeLessThan(0.12);
      expect(new Set(waits).size).toBeGreaterThan(waits.length / 2);
      expect(programs.length).toBe(1);
    }
  });

  test("exfiltration is one long upload out of proportion, cut as the flow agent would", () => {
    for (const { flows, programs } of instances("exfiltration")) {
      const sent = flows.reduce((sum, { tx }) => sum + tx.ipBytes, 0);
      const received = flows.reduce((sum, { rx }) => sum + rx.ipBytes, 0);
      expect(sent).toBeGreaterThan(1e8);
      expect(sent / received).toBeGreaterThan(20);
      expect(new Set(flows.map(({ sourcePort }) => sourcePort)).size).toBe(1);
      expect(flows.map(({ endReason }) => endReason)).toEqual([...flows.slice(1).map(() => "active" as const), "fin"]);
      expect(Math.max(...flows.map(seconds))).toBeLessThanOrEqual(300);
      for (const [n, next] of flows.slice(1).entries()) expect(next.startUs).toBe((flows[n] as FlowDraft).endUs);
      expect(programs).toEqual(["/usr/bin/tar", "/usr/bin/curl"]);
    }
  });
});
