import { printable } from "../core/escape.ts";
import { formatBytes } from "../core/quantities.ts";
import type { RangeRow } from "../wal/index.ts";
import { rangeTexts } from "./render-range.ts";
import { timeText } from "./render-time.ts";
import type { LogSummary } from "./wal-inspect.ts";

/** Spans of sequences that a line names; the others are counted. */
const spansShownMax = 5;

function count(n: number): string {
  return n.toLocaleString("en-US");
}

function spanText({ first, last, reason }: RangeRow): string {
  return `${first === last ? count(first) : `${count(first)} to ${count(last)}`} ${rangeTexts[reason]}`;
}

/** What a log is as a whole, as rows of a name and a text. */
export function summaryRows({ stats, sources, ranges, firstNs, lastNs }: LogSummary): [string, string][] {
  const { records, pending, settled, parked, liveBytes, fileBytes, walBytes, budgetBytes, treeSize, treeRoot } = stats;
  const budget = Number.isFinite(budgetBytes) ? ` of ${formatBytes(budgetBytes)}` : "";
  const rows: [string, string][] = [
    ["Records", `${count(records)}: ${count(pending)} pending, ${count(settled)} settled, ${count(parked)} parked`],
    ["Size", `${formatBytes(liveBytes)}${budget}; file ${formatBytes(fileBytes)}, journal ${formatBytes(walBytes)}`],
  ];
  if (firstNs !== undefined && lastNs !== undefined)
    rows.push(["Stamps", `${timeText(firstNs)} to ${timeText(lastNs)}`]);
  if (treeSize > 0) rows.push(["Tree", `${count(treeSize)} leaves, root ${Buffer.from(treeRoot).toString("hex")}`]);
  for (const { source, highest } of sources) {
    const own = ranges.filter((range) => range.source.agent === source.agent && range.source.epoch === source.epoch);
    const shown = own.slice(0, spansShownMax).map(spanText);
    if (own.length > spansShownMax) shown.push(`${count(own.length - spansShownMax)} spans more`);
    const without = shown.length > 0 ? `; not here: ${shown.join(", ")}` : "";
    const name = `${printable(source.agent) || "(no name)"} ${source.epoch || "(earlier agent)"}`;
    rows.push(["Source", source.epoch === "" ? name : `${name}: 1 to ${count(highest)}${without}`]);
  }
  return rows;
}

/** The same as one JSON object; 64-bit integers as strings. */
export function summaryJson({ path, stats, sources, ranges, firstNs, lastNs }: LogSummary): Record<string, unknown> {
  return {
    path,
    records: stats.records,
    pending: stats.pending,
    settled: stats.settled,
    parked: stats.parked,
    live_bytes: stats.liveBytes,
    pending_bytes: stats.pendingBytes,
    budget_bytes: Number.isFinite(stats.budgetBytes) ? stats.budgetBytes : null,
    file_bytes: stats.fileBytes,
    journal_bytes: stats.walBytes,
    first_ns: firstNs === undefined ? null : String(firstNs),
    last_ns: lastNs === undefined ? null : String(lastNs),
    tree: { size: stats.treeSize, root: Buffer.from(stats.treeRoot).toString("hex") },
    sources: sources.map(({ source, highest }) => ({ ...source, highest: String(highest) })),
    ranges: ranges.map(({ source, first, last, reason }) => {
      return { ...source, first: String(first), last: String(last), reason };
    }),
  };
}
