import { Command, Option } from "commander";
import { commands } from "./commands.ts";
import type { CliContext } from "./context.ts";
import { exitStatusHelp } from "./exit-status.ts";
import { version } from "./version.ts";

/** The whole command line. Parsing does nothing else: every action loads what it needs when it runs. */
export function createProgram(context: CliContext): Command {
  const program = new Command("amoskys")
    .description("Turns this host into a node of a security telemetry network.")
    .version(version, "-V, --version")
    .option("--home <dir>", "where config/, certs/ and data/ are (AMOSKYS_HOME; default: the current directory)")
    .option("--config <file>", "configuration file (default: HOME/config/amoskys.yaml)")
    .addOption(new Option("--log-level <level>", "least level to log").choices(["debug", "info", "warn", "error"]))
    .addOption(new Option("--log-format <format>", "how log lines look").choices(["pretty", "json"]))
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.output.write(text),
      writeErr: (text) => context.output.note(text.trimEnd()),
      // main.ts prints errors
      outputError: () => {},
    })
    .addHelpText("after", exitStatusHelp);
  for (const create of commands) program.addCommand(inherit(create(context), program));
  return program;
}

function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(child, command);
  return command;
}
