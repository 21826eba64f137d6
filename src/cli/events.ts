import type { Command } from "commander";
import { commandGroup } from "./command-group.ts";
import type { CliContext } from "./context.ts";
import { eventsQueryCommand } from "./events-query.ts";
import { eventsTailCommand } from "./events-tail.ts";

/** `amoskys events`. */
export function eventsCommand(context: CliContext): Command {
  return commandGroup("events", "read what the bus has stored, or follow it", "amoskys events query --since 15m", [
    eventsTailCommand(context),
    eventsQueryCommand(context),
  ]);
}
