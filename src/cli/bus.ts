import type { Command } from "commander";
import { busServeCommand } from "./bus-serve.ts";
import { busStatusCommand } from "./bus-status.ts";
import { commandGroup } from "./command-group.ts";
import type { CliContext } from "./context.ts";

/** `amoskys bus`. */
export function busCommand(context: CliContext): Command {
  return commandGroup("bus", "run the bus, or ask a running one how it is", "amoskys bus serve --port 50051", [
    busServeCommand(context),
    busStatusCommand(context),
  ]);
}
