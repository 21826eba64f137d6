import { Command, Option } from "commander";
import { printable } from "../core/escape.ts";
import type { LogSummary } from "../tasks/wal-inspect.ts";
import type { RecordView } from "../tasks/wal-record-view.ts";
import type { RecordState } from "../wal/index.ts";
import { alignColumns } from "./columns.ts";
import type { CliContext } from "./context.ts";
import {
  agentOption,
  kindOption,
  limitFlag,
  limitNote,
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
/** Records laid out together: columns are as wide as the widest of them. */
const rowsTogether = 200;

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
    .addOption(sinceOption("only what was seen at or after this time"))
    .addOption(untilOption())
    .addOption(limitFlag("the newest so many, or all (default: 50; with --json all)"))
    .option("--json", "one JSON object a line: the log, then each record")
    .addHelpText(
      "after",
      "\nTimes are RFC 3339, or a duration back from now. Who writes the log is not disturbed." +
        "\n\nExample:\n  amoskys wal inspect data/wal/flowagent.db --state parked" +
        "\n\nExit status: 0 read, 2 usage or no such file, 11 it is no log, or cannot be read, 14 permission denied",
    )
    .action(async (path: string, options: InspectOptions) => {
      const { inspectLog } = await import("../tasks/wal-inspect.ts");
      const log = inspectLog(path, { ...selectionOf(options), states: options.state });
      try {
        if (options.json) await printJson(context, log.summary, log.records);
        else {
          const shown = await printText(context, log.summary, log.records);
          const note = shown === 0 && options.limit !== 0 ? "no events" : limitNote(options, shown);
          if (note) context.output.note(note);
        }
      } finally {
        log.close();
      }
    });
}

async function printJson(context: CliContext, summary: LogSummary, records: Iterable<RecordView>): Promise<void> {
  const { summaryJson } = await import("../tasks/render-summary.ts");
  const { recordJson } = await import("../tasks/render-record.ts");
  context.output.printJson({ type: "log", ...summaryJson(summary) });
  for (const view of records) context.output.printJson({ type: "record", ...recordJson(view) });
}

/** Answers how many records were shown. */
async function printText(context: CliContext, summary: LogSummary, records: Iterable<RecordView>): Promise<number> {
  const { summaryRows } = await import("../tasks/render-summary.ts");
  const { contentLine, stateText, timeText } = await import("../tasks/render-record.ts");
  const { output } = context;
  output.print(output.colour.bold(printable(summary.path)));
  for (const line of alignColumns(summaryRows(summary))) output.print(`  ${line}`);
  const head = ["ID", "TIME", "AGENT", "SEQUENCE", "STATE", "EVENT"];
  const rowOf = (view: RecordView) => {
    const { id, tsNs, agent, sequence, key } = view;
    const place = sequence > 0 ? String(sequence) : printable(key);
    return [String(id), timeText(tsNs), printable(agent), place, stateText(view), contentLine(view)];
  };
  let rows = [head];
  const flush = () => {
    for (const line of alignColumns(rows)) output.print(line);
    rows = [];
  };
  let shown = 0;
  for (const view of records) {
    if (shown === 0) output.print("");
    shown += 1;
    if (rows.push(rowOf(view)) >= rowsTogether) flush();
  }
  if (shown > 0) flush();
  return shown;
}
