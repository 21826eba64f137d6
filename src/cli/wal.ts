import type { Command } from "commander";
import { commandGroup } from "./command-group.ts";
import type { CliContext } from "./context.ts";
import { walInspectCommand } from "./wal-inspect.ts";
import { walVerifyCommand } from "./wal-verify.ts";

/** `amoskys wal`. */
export function walCommand(context: CliContext): Command {
  return commandGroup("wal", "look into logs and verify them", "amoskys wal verify data/storage/bus.db", [
    walInspectCommand(context),
    walVerifyCommand(context),
  ]);
}
