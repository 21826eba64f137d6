import { Command } from "commander";
import { busAgent } from "./agent-bus.ts";
import { flowAgent } from "./agent-flow.ts";
import { hostAgent } from "./agent-host.ts";
import { procAgent } from "./agent-proc.ts";
import { scanAgent } from "./agent-scan.ts";
import { snmpAgent } from "./agent-snmp.ts";
import { syntheticAgent } from "./agent-synthetic.ts";
import { syscallAgent } from "./agent-syscall.ts";
import { collectorCommand } from "./collector-command.ts";
import type { CliContext } from "./context.ts";

const definitions = [flowAgent, busAgent, procAgent, hostAgent, syscallAgent, snmpAgent, scanAgent, syntheticAgent];

/** `amoskys agent`. */
export function agentCommand(context: CliContext): Command {
  const command = new Command("agent").description("collect events and bring them to the bus");
  for (const definition of definitions) command.addCommand(collectorCommand(context, definition));
  return command;
}
