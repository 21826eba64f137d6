import { Command, Option } from "commander";
import { printable } from "../core/escape.ts";
import type { OpenInspection } from "../tasks/wal-inspect.ts";
import type { RecordState } from "../wal/index.ts";
import { alignColumns } from "./columns.ts";
import type { CliContext } from "./context.ts";
import { createLinePrinter, printEventHead } from "./events-line.ts";
import type { Output } from "./output.ts";
import {
  agentOption,
  collectorOption,
  endNotes,
  fullOption,
  kindOption,
  limitFlag,
  logWords,
  type SelectionOptions,
  selectionOf,
  sinceOption,
  untilOption,
  wordsOption,
} from "./wal-options.ts";

interface InspectOptions extends SelectionOptions {
  readonly state?: readonly RecordState[];
}

const states: readonly RecordState[] = ["pending", "settled", "parked"];

/** `amoskys wal inspect`. */
export function walInspectCommand(context: CliContext): Command {
  return new Command("inspect")
    .description("what is in a log: statistics, then its records, decoded")
    .argument("<path>", "a log of an agent or of a bus, also one in use, or a file of the old form")
    .addOption(
      new Option("--state <states>", "only these states, with commas between")
        .choices(states)
        .argParser(wordsOption(states)),
    )
    .addOption(kindOption())
    .addOption(agentOption())
    .addOption(collectorOption())
    .addOption(sinceOption("only what was seen at or after this time"))
    .addOption(untilOption())
    .addOption(limitFlag("the newest so many, or all (default: 50; with --json all)"))
    .addOption(fullOption())
    .option("--json", "one JSON object a line: the log, then each record")
    .addHelpText(
      "after",
      "\nTimes are RFC 3339, or a duration back from now. Who writes the log is not disturbed." +
        logWords +
        "\nStamps are the times of the first and the last record, as the agents that saw them had it." +
        "\n\nExample:\n  amoskys wal inspect data/wal/flowagent.db --state parked" +
        "\n\nExit status: 0 read, 2 usage or no such file, 11 it is no log, or cannot be read, 14 permission denied",
    )
    .action(async (path: string, options: InspectOptions) => {
      const { inspectLog } = await import("../tasks/wal-inspect.ts");
      const log = inspectLog(path, { ...selectionOf(options), states: options.state });
      try {
        const print = options.json ? printJson : printText;
        const shown = await print(context.output, log, options);
        const agents = log.summary.sources.map(({ source }) => source.agent);
        for (const note of endNotes(options, shown, agents)) context.output.note(note);
      } finally {
        log.close();
      }
    });
}

/** Answers how many records were shown. */
async function printJson(output: Output, { summary, records }: OpenInspection): Promise<number> {
  const { summaryJson } = await import("../tasks/render-summary.ts");
  const { recordJson } = await import("../tasks/render-record.ts");
  output.printJson({ type: "log", ...summaryJson(summary) });
  let shown = 0;
  for (const view of records) {
    output.printJson({ type: "record", ...recordJson(view) });
    shown += 1;
  }
  return shown;
}

/** Answers how many records were shown. */
async function printText(
  output: Output,
  { summary, records }: OpenInspection,
  options: InspectOptions,
): Promise<number> {
  const { summaryRows } = await import("../tasks/render-summary.ts");
  const { stateText } = await import("../tasks/render-record.ts");
  output.print(output.colour.bold(printable(summary.path)));
  for (const line of alignColumns(summaryRows(summary))) output.print(`  ${line}`);
  const columns = (sequence: string, state: string) => `${sequence.padStart(8)}  ${state.padEnd(7)}  `;
  const print = await createLinePrinter(output, options);
  let shown = 0;
  for (const view of records) {
    if (shown === 0) {
      output.print("");
      printEventHead(output, columns("SEQUENCE", "STATE"));
    }
    const { sequence, key } = view;
    print(view, columns(sequence > 0 ? String(sequence) : printable(key), stateText(view)));
    shown += 1;
  }
  return shown;
}
