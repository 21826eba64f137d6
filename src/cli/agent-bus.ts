import type { Command } from "commander";
import { collectorCommand } from "./collector-command.ts";
import type { CliContext } from "./context.ts";

/** `amoskys agent bus`. */
export function agentBusCommand(context: CliContext): Command {
  return collectorCommand(context, {
    name: "bus",
    collector: "bus-agent",
    description: "health of the bus: latency, queue, connections, throughput, log",
    help: `
It asks the bus over mutual TLS as this host's agent, and notices one that answers but does not commit. A change is
told once, as STATUS; one that refuses this agent also as SECURITY. --once ends with a failure where no answer comes.

Examples:
  amoskys agent bus --once --print
  amoskys up --roles bus,bus-agent`,
    exits: { 13: "unreachable" },
  });
}
