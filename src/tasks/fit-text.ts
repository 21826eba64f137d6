import { printable } from "../core/escape.ts";

const separator = ", ";
/** Characters of a column that are looked at: some of them take no room of their own. */
const unitsPerColumn = 4;

/** Text from the outside, safe for a terminal, cut to so many columns. */
export function fitText(text: string, columns: number): string {
  const unitsMax = columns * unitsPerColumn;
  const bounded = text.length > unitsMax ? `${text.slice(0, unitsMax)}…` : text;
  const cut = (end: number) => Bun.sliceAnsi(printable(bounded), 0, end, "…");
  const fitted = cut(columns);
  // where a wide character stands at the end, Bun 1.4.5 answers one column more than it was asked for
  return Bun.stringWidth(fitted) > columns ? cut(columns - 1) : fitted;
}

/** As many items as there is room for with commas between, one in any case, and how many there are more. */
export function fitList<Item>(items: readonly Item[], textOf: (item: Item) => string, columns: number): string {
  const texts: string[] = [];
  let width = -separator.length;
  for (const item of items) {
    const text = textOf(item);
    texts.push(text);
    width += separator.length + Bun.stringWidth(text);
    if (width > columns) break;
  }
  if (width <= columns) return texts.join(separator);
  while (texts.length > 1 && width + moreText(items.length - texts.length).length > columns) {
    width -= separator.length + Bun.stringWidth(texts.pop() ?? "");
  }
  const end = moreText(items.length - texts.length);
  return `${fitText(texts.join(separator), Math.max(1, columns - end.length))}${end}`;
}

function moreText(count: number): string {
  return count === 0 ? "" : `${separator}${count.toLocaleString("en-US")} more`;
}

/** Texts packed into lines, two spaces apart; one that is wider than a line has one for itself. */
export function packTexts(texts: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const text of texts) {
    const joined = `${lines.at(-1)}  ${text}`;
    if (lines.length > 0 && Bun.stringWidth(joined) <= columns) lines[lines.length - 1] = joined;
    else lines.push(text);
  }
  return lines;
}
