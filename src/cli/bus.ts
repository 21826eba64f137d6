import { Command } from "commander";
import { busServeCommand } from "./bus-serve.ts";
import { busStatusCommand } from "./bus-status.ts";
import type { CliContext } from "./context.ts";

/** `amoskys bus`. */
export function busCommand(context: CliContext): Command {
  return new Command("bus")
    .description("run the bus, or ask a running one how it is")
    .addCommand(busServeCommand(context))
    .addCommand(busStatusCommand(context));
}
