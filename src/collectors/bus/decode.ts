import type { BusAnswer } from "./bus-probe.ts";

/** What was seen of a bus in one look. */
export type BusSight =
  | { readonly reached: true; readonly answer: BusAnswer; readonly latencyMs: number }
  | { readonly reached: false; readonly reason: string };

/** How a bus is: it may answer and yet not commit, which is worse than being slow. */
export interface BusVerdict {
  readonly status: "ONLINE" | "DEGRADED" | "OFFLINE";
  readonly severity: "INFO" | "WARN" | "ERROR" | "CRITICAL";
  /** One line for a person. */
  readonly message: string;
}

/** A figure of the answer as a number, or undefined where the bus does not tell it. */
export function figure(answer: BusAnswer, name: string): number | undefined {
  const value = Number(answer.figures[name] ?? Number.NaN);
  return Number.isFinite(value) ? value : undefined;
}

/** Whether calls wait although nothing was committed for longer than `commitAgeMsMax`. */
function isStuck(answer: BusAnswer, nowMs: number, commitAgeMsMax: number): boolean {
  const inflight = figure(answer, "inflight") ?? 0;
  const lastCommitMs = figure(answer, "last_commit_ms") ?? 0;
  return inflight > 0 && nowMs - lastCommitMs > commitAgeMsMax;
}

/** Judges one look at a bus. */
export function judgeBus(sight: BusSight, nowMs: number, commitAgeMsMax: number): BusVerdict {
  if (!sight.reached) return { status: "OFFLINE", severity: "CRITICAL", message: sight.reason };
  const { answer } = sight;
  if (isStuck(answer, nowMs, commitAgeMsMax)) {
    return { status: "DEGRADED", severity: "CRITICAL", message: "answers but does not commit: calls wait" };
  }
  const unwell = Object.entries(answer.components).filter(([, { status }]) => status !== "HEALTHY");
  const told = unwell.map(([name, { message }]) => `${name}: ${message}`).join("; ");
  if (answer.overall === "UNHEALTHY") {
    return { status: "DEGRADED", severity: "CRITICAL", message: `answers but is unhealthy: ${told}` };
  }
  if (answer.overall === "DEGRADED") return { status: "DEGRADED", severity: "WARN", message: told };
  return { status: "ONLINE", severity: "INFO", message: `answers in ${sight.latencyMs.toFixed(1)} ms` };
}
