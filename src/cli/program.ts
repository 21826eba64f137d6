import { Command, type CommanderError, Option } from "commander";
import { AmoskysError } from "../core/errors.ts";
import { systemError } from "../core/system-error.ts";
import { commands } from "./commands.ts";
import { type CliContext, textOption } from "./context.ts";
import { exitStatusHelp } from "./exit-status.ts";
import { helpCommand } from "./help.ts";
import { usageError, withHint } from "./usage-error.ts";
import { version } from "./version.ts";

/** The whole command line. Parsing does nothing else: every action loads what it needs when it runs. */
export function createProgram(context: CliContext): Command {
  const program = new Command("amoskys")
    .description("Turns this host into a node of a security telemetry network.")
    .version(version, "-V, --version")
    .option(
      "--home <dir>",
      "where config/, certs/ and data/ are (AMOSKYS_HOME; default: the current directory)",
      textOption,
    )
    .option("--config <file>", "configuration file (default: HOME/config/amoskys.yaml)", textOption)
    .addOption(new Option("--log-level <level>", "least level to log").choices(["debug", "info", "warn", "error"]))
    .addOption(new Option("--log-format <format>", "how log lines look").choices(["pretty", "json"]))
    .showSuggestionAfterError(true)
    .helpCommand(false)
    .configureOutput({
      writeOut: (text) => context.output.write(text),
      writeErr: (text) => context.output.note(text.trimEnd()),
      // main.ts prints errors
      outputError: () => {},
    })
    .addHelpText("after", exitStatusHelp);
  throwUsage(program);
  for (const create of [...commands, helpCommand]) program.addCommand(inherit(create(context), program));
  return program;
}

/** Makes what commander finds wrong with the words behind a command one of our errors, which names the command. */
function throwUsage(command: Command): void {
  command.exitOverride((error: CommanderError) => {
    // 0: help or the version was asked for; "commander.help": a group alone, whose help was shown
    throw error.exitCode === 0 || error.code === "commander.help" ? error : usageError(error, command);
  });
}

function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  throwUsage(command);
  for (const child of command.commands) inherit(child, command);
  return command;
}

/** Runs what a command line says. Throws AmoskysError, or commander's own error where a help was shown instead. */
export async function runProgram(context: CliContext, argv: readonly string[]): Promise<void> {
  const program = createProgram(context);
  let running = program;
  program.hook("preAction", (_program, action) => {
    running = action;
  });
  try {
    await program.parseAsync(argv);
  } catch (caught) {
    const cause = caught instanceof AmoskysError && caught.code === "internal" ? caught.cause : caught;
    const error = systemError(cause) ?? caught;
    throw error instanceof AmoskysError ? withHint(error, running) : error;
  }
}
