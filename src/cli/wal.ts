import { Command } from "commander";
import type { CliContext } from "./context.ts";
import { walInspectCommand } from "./wal-inspect.ts";
import { walVerifyCommand } from "./wal-verify.ts";

/** `amoskys wal`. */
export function walCommand(context: CliContext): Command {
  return new Command("wal")
    .description("look into logs and verify them")
    .addCommand(walInspectCommand(context))
    .addCommand(walVerifyCommand(context));
}
