import { printable } from "../core/escape.ts";
import type { EventView } from "../tasks/render-view.ts";
import type { Output } from "./output.ts";

/** The width of the column with names: most are shorter; longer ones push the line. */
const agentWidth = 12;
/** 2026-01-31 12:00:00.000Z */
const timeWidth = 24;

/** The names of the columns, as wide as what stands below them. */
export function printEventHead(output: Output): void {
  output.print(
    output.colour.bold(`${"ID".padStart(6)}  ${"TIME".padEnd(timeWidth)}  ${"AGENT".padEnd(agentWidth)}  EVENT`),
  );
}

/** Prints events one by one, as JSON lines or for a person. */
export async function createEventPrinter(output: Output, json: boolean): Promise<(view: EventView) => void> {
  const { contentLine, eventJson, timeText } = await import("../tasks/render-record.ts");
  if (json) return (view) => output.printJson(eventJson(view));
  const { dim } = output.colour;
  return (view) => {
    const agent = printable(view.agent).padEnd(agentWidth);
    output.print(`${dim(String(view.id).padStart(6))}  ${dim(timeText(view.tsNs))}  ${agent}  ${contentLine(view)}`);
  };
}
