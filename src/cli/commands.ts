import type { Command } from "commander";
import { agentCommand } from "./agent.ts";
import { busCommand } from "./bus.ts";
import { certsCommand } from "./certs.ts";
import { groupHelp } from "./command-group.ts";
import { completionCommand } from "./completion.ts";
import { configCommand } from "./config.ts";
import type { CliContext } from "./context.ts";
import { downCommand, roleCommand, statusCommand } from "./control.ts";
import { doctorCommand } from "./doctor.ts";
import { eventsCommand } from "./events.ts";
import { trustCommand } from "./trust.ts";
import { upCommand } from "./up.ts";
import { walCommand } from "./wal.ts";

/** Every command of the first level, in the order of `--help`. */
export const commands: readonly ((context: CliContext) => Command)[] = [
  upCommand,
  downCommand,
  (context) => roleCommand(context, "start", "start a role that is stopped or failed"),
  (context) => roleCommand(context, "stop", "drain and stop a role"),
  (context) => roleCommand(context, "restart", "restart a role, or all: agents, bus, agents"),
  statusCommand,
  busCommand,
  (context) => agentCommand(context).addHelpText("after", groupHelp("amoskys agent flow --iface eth0")),
  eventsCommand,
  walCommand,
  certsCommand,
  trustCommand,
  configCommand,
  doctorCommand,
  completionCommand,
];
