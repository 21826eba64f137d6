import type { Command, CommanderError } from "commander";
import { AmoskysError } from "../core/errors.ts";

/** The words that lead to a command: `amoskys events query`. */
export function commandPath(command: Command): string {
  return command.parent ? `${commandPath(command.parent)} ${command.name()}` : command.name();
}

/** The error of a command line that commander could not take, with the help of the very command as the hint. */
export function usageError({ message }: CommanderError, command: Command): AmoskysError {
  // commander puts a guess behind its message: "(Did you mean status?)"
  const [first = "", guess] = message.replace(/^error: /, "").split("\n");
  const text = guess ? `${first}; ${guess.replace(/^\(D|\)$/g, (edge) => (edge === ")" ? "" : "d"))}` : first;
  return new AmoskysError("usage", text, { hint: `${commandPath(command)} --help` });
}

/**
 * An error of a command with a hint that leads on: a `usage` error without one gets the help of the command, and none
 * tells to run again what has just failed.
 */
export function withHint(error: AmoskysError, command: Command): AmoskysError {
  const path = commandPath(command);
  const { code, message, hint, details, cause } = error;
  if (hint === undefined && code !== "usage") return error;
  if (hint !== undefined && hint !== path) return error;
  const other = code === "usage" ? `${path} --help` : path === "amoskys doctor" ? undefined : "amoskys doctor";
  return new AmoskysError(code, message, { ...(other !== undefined && { hint: other }), details, cause });
}
