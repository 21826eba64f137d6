import { Command, InvalidArgumentError } from "commander";
import { AmoskysError } from "../core/errors.ts";
import { printable } from "../core/escape.ts";
import type { TailOptions, TailStart } from "../tasks/events-tail.ts";
import { type CliContext, configSource } from "./context.ts";
import { createEventPrinter } from "./events-line.ts";
import {
  agentOption,
  agentsLikeCollectors,
  collectorOption,
  fullOption,
  kindOption,
  limitFlag,
  type SelectionOptions,
  sinceOption,
} from "./wal-options.ts";

interface TailFlags extends Omit<SelectionOptions, "until"> {
  readonly from?: bigint;
}

function idOption(text: string): bigint {
  if (!/^\d{1,18}$/.test(text)) throw new InvalidArgumentError("Write the number of a record.");
  return BigInt(text);
}

/** `amoskys events tail`. */
export function eventsTailCommand(context: CliContext): Command {
  return new Command("tail")
    .description("follow the events that the bus takes, from now or from a point on")
    .addOption(kindOption())
    .addOption(agentOption())
    .addOption(collectorOption())
    .addOption(sinceOption("from the first event that the bus took at or after this time"))
    .option("--from <id>", "from this record of the bus on; behind the last one seen there is no gap", idOption)
    .addOption(limitFlag("end after so many"))
    .addOption(fullOption())
    .option("--json", "one JSON object a line")
    .addHelpText(
      "after",
      "\nSubscribes to the bus as the operator (certs/operator.crt). A connection that is lost is made again and goes" +
        "\non behind the last event. Ctrl-C ends it." +
        "\n\nExamples:\n  amoskys events tail --kind flow --json | jq .event.dstIp" +
        "\n  amoskys events tail --collector scan --full" +
        "\n\nExit status: 0 ended as asked, 2 usage, or --from is beyond the last event, 10 config," +
        "\n  12 identity or trust, 13 no bus there",
    )
    .action(async (flags: TailFlags, command: Command) => {
      const { tailEvents } = await import("../tasks/events-tail.ts");
      const end = new AbortController();
      const options = await tailOptions(flags, command, context, end.signal);
      const print = await createEventPrinter(context.output, flags);
      for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => end.abort());
      const { output } = context;
      if (output.terminal && !flags.json) {
        output.note(`waiting for events on ${printable(options.address)}; a flow is told when it ends`);
      }
      for (const name of agentsLikeCollectors(flags)) {
        output.note(`following an agent of the name "${name}"; --collector ${name} follows what the collector sees`);
      }
      let left = flags.limit ?? Number.POSITIVE_INFINITY;
      if (left === 0) return;
      for await (const view of tailEvents(options)) {
        print(view);
        left -= 1;
        if (left === 0) break;
      }
    });
}

function startOf({ from, since }: TailFlags): TailStart {
  if (from !== undefined && since !== undefined) {
    throw new AmoskysError("usage", "--from and --since both say where to start; give one", {
      hint: `amoskys events tail --from ${from}`,
    });
  }
  if (from !== undefined) return { at: "id", id: from };
  return since === undefined ? { at: "now" } : { at: "time", sinceNs: since };
}

async function tailOptions(
  flags: TailFlags,
  command: Command,
  context: CliContext,
  signal: AbortSignal,
): Promise<TailOptions> {
  const { loadHomeConfig } = await import("../roles/config.ts");
  const { busAddress } = await import("../roles/bus-address.ts");
  const { identityPlaces } = await import("../roles/identity-places.ts");
  const source = configSource(command, context);
  const loaded = loadHomeConfig(source);
  return {
    address: busAddress(loaded, source.home),
    tls: identityPlaces(loaded, source.home).operator,
    allowGroupRead: loaded.config.crypto.allow_group_read,
    start: startOf(flags),
    kinds: flags.kind ?? [],
    agents: flags.agent ?? [],
    collectors: flags.collector,
    signal,
    onInterruption: (error) => context.output.note(`connection lost, trying again: ${error.message}`),
    onReturn: () => context.output.note("connected again"),
  };
}
