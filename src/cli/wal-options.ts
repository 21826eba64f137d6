import { InvalidArgumentError, Option } from "commander";
import { systemClock } from "../core/clock.ts";
import { AmoskysError } from "../core/errors.ts";
import { printable } from "../core/escape.ts";
import { type RecordKind, recordKinds } from "../core/event.ts";
import { nearest } from "../core/nearest.ts";
import { parseTimeNs } from "../core/quantities.ts";
import { collectorCommandName, collectorNames } from "../roles/collector-registry.ts";
import { listOption } from "./context.ts";

/** Records shown to a person where nothing is said about how many; `--json` shows all. */
const shownDefault = 50;

/** For the help of commands that show what a log is as a whole. */
export const logWords =
  "\n\nEvery record is a leaf of the log's Merkle tree; the root stands for all of them as they were written: a copy" +
  "\nwith the same root holds the same. An epoch is one life of an agent's log, which counts its events from 1.";

/** Which records, as commands that read logs take it. */
export interface SelectionOptions {
  readonly kind?: readonly RecordKind[];
  readonly agent?: readonly string[];
  readonly since?: bigint;
  readonly until?: bigint;
  readonly limit?: number;
  readonly collector?: readonly string[];
  readonly json?: boolean;
  readonly full?: boolean;
}

/** The words behind `amoskys agent`. */
const collectorWords = collectorNames.map(collectorCommandName);
/** Agents of a log that are named where one was asked for that is not there. */
const agentsNamedMax = 10;

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

/** `--collector`. */
export function collectorOption(): Option {
  return new Option("--collector <names>", "only what these collectors saw, with commas between")
    .choices(collectorWords)
    .argParser(wordsOption(collectorWords));
}

/** `--full`. */
export function fullOption(): Option {
  return new Option("--full", "below each line all that the event holds");
}

/** Of the agents that were asked for, those that are named as a collector is. */
export function agentsLikeCollectors({ agent = [] }: Pick<SelectionOptions, "agent">): string[] {
  return agent.filter((name) => collectorWords.includes(name));
}

/** What a person should know who asked for agents that a log does not know; empty where it knows them all. */
function strangerNotes(options: Pick<SelectionOptions, "agent">, known: readonly string[]): string[] {
  const { agent = [] } = options;
  const there = new Set(known);
  const strangers = agent.filter((name) => !there.has(name));
  if (strangers.length === 0) return [];
  const named = [...there].slice(0, agentsNamedMax).map((name) => printable(name) || "(no name)");
  if (there.size > named.length) named.push(`${there.size - named.length} more`);
  const asked = strangers.map((name) => `"${printable(name)}"`).join(" or ");
  const has = named.length > 0 ? `this log has: ${named.join(", ")}` : "this log names none";
  const collectors = agentsLikeCollectors({ agent: strangers });
  return [
    `no events of an agent ${asked}; ${has}`,
    ...(collectors.length > 0 ? [`Try: --collector ${collectors.join(",")}`] : []),
  ];
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

/** What a person should know of the records of a log that were shown, one line each. */
export function endNotes(options: SelectionOptions, shown: number, agents: readonly string[]): string[] {
  const { limit, json } = options;
  const notes = strangerNotes(options, agents);
  if (shown === 0 && limit !== 0 && !json && notes.length === 0) return ["no events"];
  const isCut = limit === undefined && !json && shown === shownDefault;
  return isCut ? [...notes, `The newest ${shownDefault} are shown; --limit all shows all`] : notes;
}

/** The options as a task takes them. */
export function selectionOf(options: SelectionOptions) {
  const limit = options.limit ?? (options.json ? Number.POSITIVE_INFINITY : shownDefault);
  return {
    kinds: options.kind,
    agents: options.agent,
    collectors: options.collector,
    sinceNs: options.since,
    untilNs: options.until,
    newest: Number.isFinite(limit) ? limit : undefined,
  };
}
