import { Command } from "commander";
import { printableJson } from "../core/escape.ts";
import type { LogLevel } from "../core/observer.ts";
import { type CliContext, configSource, globalOptions } from "./context.ts";

/** What differs between the commands of the agents. */
export interface CollectorCommand {
  /** The word behind `amoskys agent`. */
  readonly name: string;
  /** The collector's role, where it is not that word. */
  readonly collector?: string;
  readonly description: string;
  /** Options beside `--print` and `--once`. */
  configure?(command: Command): void;
  /** The settings that options set, by dotted path; undefined ones are not set. */
  flags?(
    options: Readonly<Record<string, unknown>>,
  ): Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>;
  /** Default: it makes rounds, of which `--once` makes one and ends. */
  readonly once?: boolean;
  /** What to know, and examples. */
  readonly help: string;
  /** Exit statuses beside those that every agent has, or with a meaning of its own. */
  readonly exits?: Readonly<Record<number, string>>;
}

const commonExits = {
  0: "ended as asked",
  3: "the round is not whole",
  10: "config",
  11: "log locked",
  12: "identity",
  130: "interrupted",
};
const columns = 110;

function exitsText(own: CollectorCommand["exits"]): string {
  const parts = Object.entries({ ...commonExits, ...own }).map(([status, meaning]) => `${status} ${meaning}`);
  const lines = [`Exit status: ${parts[0]}`];
  for (const part of parts.slice(1)) {
    const last = `${lines.pop()},`;
    if (last.length + part.length < columns) lines.push(`${last} ${part}`);
    else lines.push(last, `  ${part}`);
  }
  return lines.join("\n");
}

/** `amoskys agent NAME`: one grammar for all collectors. */
export function collectorCommand(context: CliContext, definition: CollectorCommand): Command {
  const { name, description, configure, flags, once = true, help, exits } = definition;
  const command = new Command(name).description(description);
  configure?.(command);
  command.option("--print", "write each event to stdout as a JSON line; needs no keys, log or bus");
  if (once) command.option("--once", "make one round, then end");
  return command
    .addHelpText("after", `${help}\n\n${exitsText(exits)}`)
    .action(async (options: Record<string, unknown>, self: Command) => {
      const { logLevel, logFormat } = globalOptions(self, context);
      const shared = {
        collector: definition.collector ?? name,
        source: configSource(self, context, await flags?.(options)),
        run: { read: options.read as string | undefined, once: options.once === true },
        logLevel: logLevel as LogLevel | undefined,
        logFormat,
      };
      if (options.print !== true) {
        const { runAgent } = await import("../roles/agent.ts");
        return await runAgent(shared);
      }
      const { printAgent } = await import("../roles/agent-print.ts");
      const write = (events: readonly unknown[]) => context.output.write(events.map(jsonLine).join(""));
      await printAgent({ ...shared, write });
    });
}

function jsonLine(event: unknown): string {
  return `${printableJson(event)}\n`;
}
