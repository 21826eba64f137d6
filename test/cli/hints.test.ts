// What a message tells people to type must be there: every `amoskys ...` in the sources against the program's commands.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { Output } from "../../src/cli/output.ts";
import { createProgram } from "../../src/cli/program.ts";

const root = resolve(import.meta.dir, "../..");
const program = createProgram({ output: {} as Output, environment: {} });

/** Words behind the name where it is no command line but a part of a sentence. */
const prose = new Set(["executable", "knows", "on", "that", "help"]);

interface Hint {
  readonly place: string;
  /** Words and options behind the name, up to where the sentence or the example goes on with something else. */
  readonly words: readonly string[];
}

/** Every `amoskys WORD ...` of a source; what a template puts in counts as a word of its own. */
function hintsOf(file: string): Hint[] {
  const text = readFileSync(resolve(root, file), "utf8").replace(/\$\{[^}]*\}/g, "VALUE");
  return [...text.matchAll(/(?<![/_\w-])amoskys ((?:--)?[A-Za-z][^\n"'`,;:()\\|<>]*)/g)].map(
    ({ 1: rest = "", index }) => ({
      place: `${file}:${text.slice(0, index).split("\n").length}`,
      words: rest.trim().split(/\s+/),
    }),
  );
}

function childOf(command: Command, word: string | undefined): Command | undefined {
  return command.commands.find((child) => child.name() === word);
}

/** What is wrong with a command line; undefined where nothing is. */
function faultOf({ words }: Hint): string | undefined {
  let command: Command = program;
  let at = 0;
  for (; /^[a-z]+$/.test(words[at] ?? "") && command.commands.length > 0; at += 1) {
    const child = childOf(command, words[at]);
    if (!child) return prose.has(words[at] as string) && at === 0 ? undefined : `${command.name()} has no ${words[at]}`;
    command = child;
  }
  const known = [command, program].flatMap(({ options }) => options.map(({ long }) => long));
  const options = words.slice(at).filter((word) => word.startsWith("--"));
  const unknown = options.find((option) => ![...known, "--help"].includes(option));
  return unknown && `${command.name()} has no ${unknown}`;
}

const hints = [...new Bun.Glob("src/**/*.ts").scanSync(root)]
  .filter((file) => !file.startsWith("src/gen/"))
  .sort()
  .flatMap(hintsOf);

test("every command that the sources name is there, with its options", () => {
  expect(hints.length).toBeGreaterThan(80);
  const faults = hints.map((hint) => `${hint.place} amoskys ${hint.words.join(" ")}: ${faultOf(hint) ?? "fine"}`);
  expect(faults.filter((fault) => !fault.endsWith(": fine"))).toEqual([]);
});

test.each([
  ["wal parked PATH", "wal has no parked"],
  ["certs rotate server", "certs has no rotate"],
  ["trust add web-1 --keys web-1.pub", "add has no --keys"],
  ["statsu", "amoskys has no statsu"],
  ["--home DIR up", undefined],
  ["wal inspect PATH --state parked", undefined],
])("amoskys %s: %p", (line, fault) => {
  expect(faultOf({ place: "", words: line.split(" ") })).toBe(fault);
});
