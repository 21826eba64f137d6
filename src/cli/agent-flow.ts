import { Command } from "commander";
import { AmoskysError } from "../core/errors.ts";
import type { LogLevel } from "../core/observer.ts";
import { type CliContext, configSource, globalOptions, listOption } from "./context.ts";

interface FlowOptions {
  readonly iface?: string[];
  readonly read?: string;
  readonly print?: boolean;
}

/** `amoskys agent flow`. */
export function agentFlowCommand(context: CliContext): Command {
  return new Command("flow")
    .description("flows of network interfaces, or of a capture file")
    .option(
      "--iface <if>",
      "interface to capture from; may be given again (default: all that are up, but lo)",
      listOption,
    )
    .option("--read <file>", "pcap or pcapng file to read; -: standard input")
    .option("--print", "write each flow to stdout as a JSON line; needs no keys, log or bus")
    .addHelpText(
      "after",
      `
With --read and without --print every flow is published, and the command ends when the bus has all of them. A capture
that breaks off counts for what is readable of it, and ends with 3.

Examples:
  amoskys agent flow --iface eth0
  amoskys agent flow --read capture.pcap --print

Exit status: 0 ended as asked, 2 no such interface or file, 3 the capture is truncated, 10 config, 11 log locked,
  12 identity, 14 no privilege to capture, 130 interrupted`,
    )
    .action(async (options: FlowOptions, command: Command) => {
      const { iface, read, print } = options;
      if (iface && read !== undefined) {
        throw new AmoskysError(
          "usage",
          "Flows come from interfaces or from a file: --iface and --read exclude each other",
        );
      }
      const source = configSource(command, context, iface ? { "flow.interfaces": iface } : {});
      const { logLevel, logFormat } = globalOptions(command, context);
      const level = logLevel as LogLevel | undefined;
      if (print) {
        const { printAgent } = await import("../roles/agent-print.ts");
        await printAgent({ source, read, logLevel: level, logFormat });
        return;
      }
      const { runAgent } = await import("../roles/agent.ts");
      await runAgent({ collector: "flow", source, run: { read }, logLevel: level, logFormat });
    });
}
