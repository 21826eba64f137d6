import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { amoskys } from "../support/amoskys.ts";

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "amoskys-home-"));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const fixed = ["--seed", "7", "--start", "2026-01-05T08:00:00Z", "--duration", "1m"];

function synthetic(...options: string[]) {
  return amoskys(["--home", home, "agent", "synthetic", "--print", ...options]);
}

describe("amoskys agent synthetic", () => {
  test("prints the same lines for the same seed and start, each marked, and says what is true of them", async () => {
    const truth = join(home, "truth.jsonl");
    const all = await synthetic(...fixed, "--rate", "0", "--truth", truth);
    const paced = await synthetic(...fixed, "--rate", "5000");
    expect([all.status, all.stderr, paced.status, paced.stderr]).toEqual([0, "", 0, ""]);
    expect(paced.stdout).toBe(all.stdout);
    const lines = all.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { kind: string; synthetic?: boolean });
    expect(lines.length).toBeGreaterThan(500);
    expect(lines.every((line) => line.synthetic === true)).toBe(true);
    const said = readFileSync(truth, "utf8");
    expect(readFileSync(join(home, "data/synthetic-truth.jsonl"), "utf8")).toBe(said);
    const counts = said
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { events: number }).events);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(lines.length);
  });

  test("makes the scenarios that were asked for", async () => {
    const { status, stdout } = await synthetic(...fixed, "--rate", "0", "--scenarios", "port-scan,beacon");
    const targets = stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { event: { dstIp?: string } }).event.dstIp)
      .filter((target) => target !== undefined);
    expect([status, new Set(targets).size]).toEqual([0, 2]);
  });

  test.each([
    [2, ["--rate", "fast"]],
    [2, ["--duration", "a while"]],
    [10, ["--scenarios", "earthquake"]],
    [10, ["--start", "2026-01-05T08:00:00"]],
    [10, ["--truth", "/dev/null/truth.jsonl"]],
  ])("ends with %p for %p", async (status, options) => {
    const outcome = await synthetic(...options);
    expect([outcome.status, outcome.stdout]).toEqual([status, ""]);
    expect(outcome.stderr).toMatch(/^amoskys: /m);
  });
});
