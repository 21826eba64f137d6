import { resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import { parseDurationMs } from "../core/quantities.ts";
import type { CollectorCommand } from "./collector-command.ts";
import { listOption } from "./context.ts";

function numberOption(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0) throw new InvalidArgumentError("Write a number.");
  return value;
}

/** `amoskys agent synthetic`. */
export const syntheticAgent: CollectorCommand = {
  name: "synthetic",
  description: "made-up events with their ground truth: normal days, bursts and attacks",
  once: false,
  configure: (command) =>
    command
      .option("--seed <n>", "what chance follows from", numberOption)
      .option("--start <time>", "time of the first event, RFC 3339 with a zone (default: now)")
      .option(
        "--duration <time>",
        "of the events' own time, such as 90s or 7d, then the end (default: endless)",
        (text) => parseDurationMs(text),
      )
      .option("--rate <n>", "events a second of real time; 0: as many as find room", numberOption)
      .option(
        "--scenarios <list>",
        "normal-day, burst, port-scan, brute-force, beacon, exfiltration (default: all)",
        listOption,
      )
      .option("--truth <file>", "JSON lines: what is true of the events, by scenario instance"),
  flags: ({ seed, start, duration, rate, scenarios, truth }) => ({
    "synthetic.seed": seed,
    "synthetic.start": start,
    "synthetic.duration_s": duration === undefined ? undefined : (duration as number) / 1000,
    "synthetic.rate": rate,
    "synthetic.scenarios": scenarios,
    "synthetic.truth": truth === undefined ? undefined : resolve(truth as string),
  }),
  help: `
No packet is sent: these are events only, each marked as synthetic, between private and documentation addresses. Their
times are their own: with --start, the same seed makes the same events at any rate. The truth file (by default
synthetic-truth.jsonl in the data folder) is appended to; an event is found in it by its place in the run, from 0.

Examples:
  amoskys agent synthetic --scenarios normal-day,port-scan --rate 50
  amoskys agent synthetic --print --seed 7 --start 2026-01-05T08:00:00Z --duration 1h --rate 0 --truth truth.jsonl`,
  exits: { 2: "usage", 10: "config, or no truth file" },
};
