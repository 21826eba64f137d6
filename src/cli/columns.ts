import type { Output } from "./output.ts";

/** Rows as lines with aligned columns, two spaces apart, no space at the end. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, Bun.stringWidth(cell));
  }
  const pad = (cell: string, column: number) => cell + " ".repeat((widths[column] ?? 0) - Bun.stringWidth(cell));
  return rows.map((row) => row.map(pad).join("  ").trimEnd());
}

/** Lines for people are that long where there is no terminal to ask. */
const lineColumnsDefault = 120;

/** The columns that a line has room for. */
export function lineColumns({ terminal, columns }: Pick<Output, "terminal" | "columns">): number {
  return terminal ? columns : lineColumnsDefault;
}

/** Words on lines of at most so many columns, each but the first with as many spaces before it as `prefix` is long. */
export function wrapBehind(prefix: string, text: string, columns: number): string[] {
  const lines = Bun.wrapAnsi(text, columns - prefix.length).split("\n");
  return lines.map((line, index) => `${index === 0 ? prefix : " ".repeat(prefix.length)}${line}`);
}
