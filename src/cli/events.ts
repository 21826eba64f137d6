import { Command } from "commander";
import type { CliContext } from "./context.ts";
import { eventsQueryCommand } from "./events-query.ts";
import { eventsTailCommand } from "./events-tail.ts";

/** `amoskys events`. */
export function eventsCommand(context: CliContext): Command {
  return new Command("events")
    .description("read what the bus has stored, or follow it")
    .addCommand(eventsTailCommand(context))
    .addCommand(eventsQueryCommand(context));
}
