import { writeSync } from "node:fs";
import { Chalk, type ChalkInstance } from "chalk";
import { errnoOf } from "../core/errors.ts";
import { printableJson } from "../core/escape.ts";
import { outputError } from "../core/system-error.ts";

const stdout = 1;
const stderr = 2;

/** Writes all of it, also into a pipe that is full for a while. Throws `output_closed` or `output_failed`. */
function writeAll(fd: number, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (caught) {
      if (errnoOf(caught) !== "EAGAIN") throw outputError(caught);
      Bun.sleepSync(1);
    }
  }
}

/** Results go to stdout, everything else to stderr. */
export interface Output {
  /** Whether stdout is a terminal: only then may anything be coloured or redrawn. */
  readonly terminal: boolean;
  /** Columns of the terminal. */
  readonly columns: number;
  readonly colour: ChalkInstance;
  /** One line of the result. */
  print(line: string): void;
  /** One JSON document or one JSON line of a stream; 64-bit integers become strings. */
  printJson(value: unknown): void;
  /** Raw text, for tables that redraw themselves. */
  write(text: string): void;
  /** One line for the person, not part of the result. */
  note(line: string): void;
}

function bigintAsString(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

/** The output of this process. */
export function createOutput(environment: Readonly<Record<string, string | undefined>>): Output {
  const terminal = process.stdout.isTTY === true;
  const coloured = terminal && !environment.NO_COLOR && environment.TERM !== "dumb";
  return {
    terminal,
    get columns() {
      return process.stdout.columns || 80;
    },
    colour: new Chalk({ level: coloured ? 1 : 0 }),
    print: (line) => writeAll(stdout, `${line}\n`),
    printJson: (value) => writeAll(stdout, `${printableJson(value, bigintAsString)}\n`),
    write: (text) => writeAll(stdout, text),
    note: (line) => writeAll(stderr, `${line}\n`),
  };
}
