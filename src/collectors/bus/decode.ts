import type { AmoskysError, ErrorCode } from "../../core/errors.ts";
import { printable } from "../../core/escape.ts";
import { formatDurationMs } from "../../core/quantities.ts";
import type { BusAnswer } from "./bus-probe.ts";

/** What was seen of a bus in one look. */
export type BusSight =
  | { readonly reached: true; readonly answer: BusAnswer; readonly latencyMs: number }
  | { readonly reached: false; readonly error: AmoskysError };

/** How a bus is: it may answer and yet not commit, which is worse than being slow. */
export interface BusVerdict {
  /** What it is, in words without figures: a bus is told of when these change. */
  readonly condition: string;
  readonly status: "ONLINE" | "DEGRADED" | "OFFLINE";
  readonly severity: "INFO" | "WARN" | "CRITICAL";
  /** Whether it takes events and makes them durable, as far as can be seen. */
  readonly commits: boolean;
  /** One line for a person. */
  readonly message: string;
}

/** How long calls have waited without a commit in between, and how long they may; milliseconds. */
export interface CommitWait {
  readonly waitedMs: number;
  readonly waitedMsMax: number;
}

/** Longer texts of a bus are cut. */
const textLengthMax = 300;

/** Where nothing answers; with any other failure something does, and refuses. */
const awayCodes = new Set<ErrorCode>(["unreachable", "timeout"]);

/** Components of a bus without which it takes no events. */
const committing = ["message_processing", "disk_space"] as const;

/** A figure of the answer as a number, or undefined where the bus does not tell it. */
export function figure(answer: BusAnswer, name: string): number | undefined {
  const value = Number(answer.figures[name] ?? Number.NaN);
  return Number.isFinite(value) ? value : undefined;
}

function bounded(text: string): string {
  return printable(text.slice(0, textLengthMax));
}

/** Why a bus that answers commits nothing; undefined where it does. */
function whyStuck({ components }: BusAnswer, { waitedMs, waitedMsMax }: CommitWait): string | undefined {
  const broken = committing.map((name) => components[name]).find((component) => component?.status === "CRITICAL");
  if (broken) return broken.message;
  const processing = components.message_processing;
  // a commit that failed counts until one succeeds
  if (processing && processing.status !== "HEALTHY") return processing.message;
  return waitedMs > waitedMsMax ? `calls wait for ${formatDurationMs(waitedMs)}` : undefined;
}

function judgeFailure({ code, message }: AmoskysError): BusVerdict {
  const failed = { severity: "CRITICAL", commits: false, message } as const;
  return awayCodes.has(code)
    ? { condition: "not answering", status: "OFFLINE", ...failed }
    : { condition: "refusing this agent", status: "DEGRADED", ...failed };
}

/** Judges one look at a bus. */
export function judgeBus(sight: BusSight, wait: CommitWait): BusVerdict {
  if (!sight.reached) return judgeFailure(sight.error);
  const { answer, latencyMs } = sight;
  const stuck = whyStuck(answer, wait);
  if (stuck !== undefined) {
    const message = `answers but does not commit: ${bounded(stuck)}`;
    return { condition: "not committing", status: "DEGRADED", severity: "CRITICAL", commits: false, message };
  }
  if (answer.overall === "HEALTHY") {
    const message = `answers in ${latencyMs.toFixed(1)} ms`;
    return { condition: "well", status: "ONLINE", severity: "INFO", commits: true, message };
  }
  return judgeUnwell(answer);
}

function judgeUnwell({ overall, components }: BusAnswer): BusVerdict {
  const unwell = Object.entries(components)
    .filter(([, { status }]) => status !== "HEALTHY")
    .sort(([a], [b]) => a.localeCompare(b));
  const word = overall === "DEGRADED" ? "degraded" : "unhealthy";
  const names = unwell.map(([name]) => name).join(", ");
  const told = unwell.map(([name, { message }]) => `${name}: ${message}`).join("; ");
  return {
    condition: bounded(`${word} (${names})`),
    status: "DEGRADED",
    severity: overall === "DEGRADED" ? "WARN" : "CRITICAL",
    commits: true,
    message: bounded(`answers but is ${word}: ${told}`),
  };
}
