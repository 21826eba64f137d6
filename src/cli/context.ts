import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import type { ConfigSource } from "../roles/config.ts";
import type { Output } from "./output.ts";

/** The options that stand before the command. */
export interface GlobalOptions {
  readonly home: string;
  readonly config: string | undefined;
  readonly logLevel: string | undefined;
  readonly logFormat: "pretty" | "json" | undefined;
}

/** What a command is given. */
export interface CliContext {
  readonly output: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The global options of the program that `command` belongs to. */
export function globalOptions(command: Command, context: CliContext): GlobalOptions {
  const options = command.optsWithGlobals<{ home?: string; config?: string; logLevel?: string; logFormat?: string }>();
  return {
    home: resolve(options.home ?? context.environment.AMOSKYS_HOME ?? "."),
    config: options.config ?? context.environment.IS_CONFIG_PATH,
    logLevel: options.logLevel,
    logFormat: options.logFormat as GlobalOptions["logFormat"],
  };
}

/** Where a command finds its configuration, from the options before it. */
export function configSource(command: Command, context: CliContext, flags?: ConfigSource["flags"]): ConfigSource {
  const { home, config } = globalOptions(command, context);
  return { home, file: config, environment: context.environment, ...(flags ? { flags } : {}) };
}

/** A text that says something: an empty one is a variable of the shell that was not set, not "here" or "all". */
export function textOption(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("It is empty.");
  return text;
}

/** `a,b` and repeated options as one list; an empty one is refused as textOption does. */
export function listOption(text: string, before: string[] | undefined): string[] {
  const parts = textOption(text).split(",");
  return [...(before ?? []), ...parts.map((part) => textOption(part.trim()))];
}
