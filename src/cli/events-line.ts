import { printable } from "../core/escape.ts";
import type { EventView } from "../tasks/render-view.ts";
import { lineColumns } from "./columns.ts";
import type { Output } from "./output.ts";

/** The width of the column with names: most are shorter; longer ones push the line. */
const agentWidth = 12;
/** 2026-01-31 12:00:00.000Z */
const timeWidth = 24;
const detailIndent = " ".repeat(8);

/** How events are printed. */
export interface EventForm {
  readonly json?: boolean;
  /** Below each line all that it holds. */
  readonly full?: boolean;
}

/** The names of the columns, as wide as what stands below them; `more` stands before the event. */
export function printEventHead(output: Output, more = ""): void {
  const names = `${"ID".padStart(6)}  ${"TIME".padEnd(timeWidth)}  ${"AGENT".padEnd(agentWidth)}`;
  output.print(output.colour.bold(`${names}  ${more}EVENT`));
}

/** Prints events for a person, one by one, each on a line as long as the terminal is wide; `more` as in the head. */
export async function createLinePrinter(
  output: Output,
  { full }: EventForm,
): Promise<(view: EventView, more?: string) => void> {
  const { contentLine } = await import("../tasks/render-record.ts");
  const { timeText } = await import("../tasks/render-time.ts");
  const { detailLines } = await import("../tasks/render-detail.ts");
  const { dim } = output.colour;
  return (view, more = "") => {
    const agent = printable(view.agent).padEnd(agentWidth);
    const time = timeText(view.tsNs).padEnd(timeWidth);
    const before = `${dim(String(view.id).padStart(6))}  ${dim(time)}  ${agent}  ${more}`;
    const columns = lineColumns(output);
    output.print(`${before}${contentLine(view, columns - Bun.stringWidth(before))}`);
    if (!full || !view.payload) return;
    for (const line of detailLines(view.payload, columns - detailIndent.length)) {
      output.print(`${detailIndent}${line}`);
    }
  };
}

/** Prints events one by one, as JSON lines or for a person. */
export async function createEventPrinter(output: Output, form: EventForm): Promise<(view: EventView) => void> {
  if (!form.json) return await createLinePrinter(output, form);
  const { eventJson } = await import("../tasks/render-record.ts");
  return (view) => output.printJson(eventJson(view));
}
