import { Command } from "commander";
import { agentFlowCommand } from "./agent-flow.ts";
import type { CliContext } from "./context.ts";

/** `amoskys agent`. */
export function agentCommand(context: CliContext): Command {
  return new Command("agent")
    .description("collect events and bring them to the bus")
    .addCommand(agentFlowCommand(context));
}
