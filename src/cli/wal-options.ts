import { InvalidArgumentError, Option } from "commander";
import { systemClock } from "../core/clock.ts";
import { AmoskysError } from "../core/errors.ts";
import { type RecordKind, recordKinds } from "../core/event.ts";
import { nearest } from "../core/nearest.ts";
import { parseTimeNs } from "../core/quantities.ts";
import { listOption } from "./context.ts";

/** Records shown to a person where nothing is said about how many; `--json` shows all. */
const shownDefault = 50;

/** Which records, as commands that read logs take it. */
export interface SelectionOptions {
  readonly kind?: readonly RecordKind[];
  readonly agent?: readonly string[];
  readonly since?: bigint;
  readonly until?: bigint;
  readonly limit?: number;
  readonly json?: boolean;
}

/** A list of words out of a closed set; an unknown one is named with the nearest that is known. */
export function wordsOption<Word extends string>(known: readonly Word[]) {
  return (text: string, before: Word[] | undefined): Word[] =>
    listOption(text, before).map((word) => {
      const found = known.find((each) => each === word);
      if (found) return found;
      const meant = nearest(word, known);
      throw new InvalidArgumentError(meant ? `Did you mean ${meant}?` : `Known are ${known.join(", ")}.`);
    });
}

function limitOption(text: string): number {
  if (text === "all") return Number.POSITIVE_INFINITY;
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("Write a number, or all.");
  return Number(text);
}

function timeOption(text: string): bigint {
  try {
    return parseTimeNs(text, systemClock.wallMs());
  } catch (caught) {
    const { message } = AmoskysError.from(caught);
    throw new InvalidArgumentError(`It ${message.slice(`"${text}" `.length)}.`);
  }
}

/** `--kind`. */
export function kindOption(): Option {
  return new Option("--kind <kinds>", "only these kinds, with commas between")
    .choices(recordKinds)
    .argParser(wordsOption(recordKinds));
}

/** `--agent`. */
export function agentOption(): Option {
  return new Option("--agent <names>", "only these agents, with commas between").argParser(listOption);
}

/** `--since`. */
export function sinceOption(description: string): Option {
  return new Option("--since <time>", description).argParser(timeOption);
}

/** `--until`. */
export function untilOption(): Option {
  return new Option("--until <time>", "only what was seen before this time").argParser(timeOption);
}

/** `--limit`. */
export function limitFlag(description: string): Option {
  return new Option("--limit <n>", description).argParser(limitOption);
}

/** What a person should know where more may match than is shown without being asked. */
export function limitNote({ limit, json }: SelectionOptions, shown: number): string | undefined {
  const isCut = limit === undefined && !json && shown === shownDefault;
  return isCut ? `The newest ${shownDefault} are shown; --limit all shows all` : undefined;
}

/** The options as a task takes them. */
export function selectionOf(options: SelectionOptions) {
  const limit = options.limit ?? (options.json ? Number.POSITIVE_INFINITY : shownDefault);
  return {
    kinds: options.kind,
    agents: options.agent,
    sinceNs: options.since,
    untilNs: options.until,
    newest: Number.isFinite(limit) ? limit : undefined,
  };
}
