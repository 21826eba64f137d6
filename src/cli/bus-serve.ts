import { Command, InvalidArgumentError, Option } from "commander";
import type { LogLevel } from "../core/observer.ts";
import { type CliContext, configSource, globalOptions } from "./context.ts";
import { version } from "./version.ts";

interface ServeOptions {
  readonly host?: string;
  readonly port?: number;
  readonly overload?: "on" | "off" | "auto";
}

function portOption(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("A port is a number from 0 to 65535; 0 takes a free one.");
}

/** `amoskys bus serve`. */
export function busServeCommand(context: CliContext): Command {
  return new Command("serve")
    .description("run the bus: take signed events over mutual TLS, keep them, hand them to subscribers")
    .option("--host <host>", "address to listen on (eventbus.host)")
    .option("--port <port>", "port to listen on, 0: a free one (eventbus.port)", portOption)
    .addOption(
      new Option("--overload <mode>", "refuse every event, none, or by load (eventbus.overload_mode)").choices([
        "on",
        "off",
        "auto",
      ]),
    )
    .addHelpText(
      "after",
      "\nExample:\n  amoskys bus serve --port 50051\n\n" +
        "Exit status: 0 ended by a signal, 10 config, 11 log locked, 12 identity or trust, 13 port in use",
    )
    .action(async ({ host, port, overload }: ServeOptions, command: Command) => {
      const { runBus } = await import("../roles/bus.ts");
      const flags = { "eventbus.host": host, "eventbus.port": port, "eventbus.overload_mode": overload };
      const { logLevel, logFormat } = globalOptions(command, context);
      await runBus({
        source: configSource(command, context, flags),
        version,
        logLevel: logLevel as LogLevel | undefined,
        logFormat,
      });
    });
}
