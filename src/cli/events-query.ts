import { Command } from "commander";
import { type CliContext, configSource } from "./context.ts";
import { createEventPrinter, printEventHead } from "./events-line.ts";
import {
  agentOption,
  collectorOption,
  endNotes,
  fullOption,
  kindOption,
  limitFlag,
  type SelectionOptions,
  selectionOf,
  sinceOption,
  untilOption,
} from "./wal-options.ts";

/** `amoskys events query`. */
export function eventsQueryCommand(context: CliContext): Command {
  return new Command("query")
    .description("read the events that the bus of this home has stored")
    .addOption(kindOption())
    .addOption(agentOption())
    .addOption(collectorOption())
    .addOption(sinceOption("only what was seen at or after this time"))
    .addOption(untilOption())
    .addOption(limitFlag("the newest so many, or all (default: 50; with --json all)"))
    .addOption(fullOption())
    .option("--json", "one JSON object a line")
    .addHelpText(
      "after",
      "\nReads the log itself, whether the bus runs or not, and does not disturb it. Oldest first." +
        "\nTimes are RFC 3339, or a duration back from now." +
        "\nAn agent is who signed the events, by the name in its certificate; all collectors of a home sign as one." +
        "\n\nExamples:\n  amoskys events query --kind flow --since 15m --json" +
        "\n  amoskys events query --collector scan --since 1h --full" +
        "\n\nExit status: 0 read, 2 usage or no bus has run in this home, 10 config, 11 the log cannot be read," +
        "\n  14 permission denied",
    )
    .action(async (options: SelectionOptions, command: Command) => {
      const { loadHomeConfig } = await import("../roles/config.ts");
      const { busLogPath } = await import("../roles/bus-log.ts");
      const { queryEvents } = await import("../tasks/events-query.ts");
      const source = configSource(command, context);
      const path = busLogPath(loadHomeConfig(source).config, source.home);
      const { events, agents, close } = queryEvents(path, selectionOf(options));
      try {
        const print = await createEventPrinter(context.output, options);
        let shown = 0;
        for (const view of events) {
          if (shown === 0 && !options.json) printEventHead(context.output);
          print(view);
          shown += 1;
        }
        for (const note of endNotes(options, shown, agents)) context.output.note(note);
      } finally {
        close();
      }
    });
}
