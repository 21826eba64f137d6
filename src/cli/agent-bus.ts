import type { CollectorCommand } from "./collector-command.ts";

/** `amoskys agent bus`. */
export const busAgent: CollectorCommand = {
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
};
