import { Command } from "commander";
import { agentBusCommand } from "./agent-bus.ts";
import { agentFlowCommand } from "./agent-flow.ts";
import { agentHostCommand } from "./agent-host.ts";
import { agentProcCommand } from "./agent-proc.ts";
import { agentScanCommand } from "./agent-scan.ts";
import { agentSnmpCommand } from "./agent-snmp.ts";
import { agentSyntheticCommand } from "./agent-synthetic.ts";
import { agentSyscallCommand } from "./agent-syscall.ts";
import type { CliContext } from "./context.ts";

/** `amoskys agent`. */
export function agentCommand(context: CliContext): Command {
  return new Command("agent")
    .description("collect events and bring them to the bus")
    .addCommand(agentFlowCommand(context))
    .addCommand(agentBusCommand(context))
    .addCommand(agentProcCommand(context))
    .addCommand(agentHostCommand(context))
    .addCommand(agentSyscallCommand(context))
    .addCommand(agentSnmpCommand(context))
    .addCommand(agentScanCommand(context))
    .addCommand(agentSyntheticCommand(context));
}
