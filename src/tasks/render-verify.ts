import { printable } from "../core/escape.ts";
import type { RangeReason } from "../wal/index.ts";
import { rangeTexts } from "./render-range.ts";
import type { VerifyReport } from "./wal-verify.ts";
import { type Finding, isInFront } from "./wal-verify-findings.ts";
import type { SourceSummary } from "./wal-verify-source.ts";

function counted(n: number, noun: string): string {
  return `${n.toLocaleString("en-US")} ${noun}${n === 1 ? "" : "s"}`;
}

/** Where a finding is, and what it is, on one line. */
export function findingLine(finding: Finding): string {
  const { kind, id, agent, epoch, sequence, detail } = finding;
  const record = id === undefined ? "" : `${isInFront(finding) ? "before record" : "record"} ${id}`;
  const named = [agent && printable(agent), epoch, sequence ? `sequence ${sequence}` : ""].filter(Boolean).join(" ");
  const place = [record, named && (record ? `(${named})` : named)].filter(Boolean).join(" ") || "the log as a whole";
  return `${place}: ${kind}: ${printable(detail)}`;
}

/** How many records the report is about, on one line. */
export function recordsLine({ records, arrived }: VerifyReport): string {
  const more = `; ${arrived.toLocaleString("en-US")} more came meanwhile, whose signatures are for the next time`;
  return `${records.toLocaleString("en-US")}${arrived > 0 ? more : ""}`;
}

/** What the signatures of a log came to, on one line. */
export function signatureLine({ signatures, legacy, trustPath }: VerifyReport): string {
  if (trustPath === undefined) return "not checked: no trust map was given";
  const { good, bad, unknown_key, unsigned, incomplete_tree } = signatures;
  const parts = [
    `${counted(good, "record")} proven`,
    bad > 0 && `${counted(bad, "record")} with a bad signature`,
    unknown_key > 0 && `${counted(unknown_key, "record")} signed by a key that is not known`,
    incomplete_tree > 0 && `${counted(incomplete_tree, "record")} of trees that are not whole`,
    unsigned > 0 && `${counted(unsigned, "record")} unsigned`,
    legacy > 0 && `${counted(legacy, "record")} of earlier agents`,
  ];
  return parts.filter(Boolean).join(", ");
}

/** What one agent and epoch produced and what became of it, on one line. */
export function sourceLine({ agent, epoch, produced, stored, explained }: SourceSummary): string {
  const reasons = Object.entries(explained).map(
    ([reason, n]) => `${n.toLocaleString("en-US")} ${rangeTexts[reason as RangeReason]}`,
  );
  const all = [`${stored.toLocaleString("en-US")} stored`, ...reasons].join(", ");
  return `${printable(agent)} ${epoch}: ${produced.toLocaleString("en-US")} produced = ${all}`;
}

/** What a log cannot prove by itself, one line each. */
export function unprovenLines(report: VerifyReport): string[] {
  const { trustPath, signatures, legacy, strangers, sources } = report;
  const unlinked = sources.reduce((sum, source) => sum + source.unlinked, 0);
  const settled = sources.reduce((sum, source) => sum + (source.explained.settled ?? 0), 0);
  const lines = [
    trustPath === undefined && "who signed the records: no trust map was given",
    strangers.length > 0 &&
      trustPath !== undefined &&
      `who signed the records of ${strangers.map(printable).join(", ")}: no key of theirs is in the trust map`,
    signatures.incomplete_tree > 0 && "the signatures of trees of which leaves are gone",
    legacy > 0 && "that no record of an earlier agent was deleted: they carry no sequence and stand in no chain",
    signatures.unsigned > 0 && "where unsigned records come from",
    settled > 0 && `what ${counted(settled, "removed record")} held: the log that took them over shows it`,
    unlinked > 0 && `what stood in front of ${counted(unlinked, "record")}, whose predecessors are not here`,
    "times of receipt, states and reasons of refusal: no signature covers them",
    "that nothing was cut off at the end together with the log's own tables: compare the last sequence with its agent",
  ];
  return lines.filter((line) => typeof line === "string");
}

/** The report as JSON: snake case, 64-bit integers as strings. */
export function verifyJson(report: VerifyReport): Record<string, unknown> {
  const { path, trustPath, records, arrived, treeSize, treeRoot, signatures, legacy, sources, findings, counts } =
    report;
  return {
    path,
    ok: findings.length === 0,
    trust_map: trustPath ?? null,
    records,
    arrived: arrived > 0 ? arrived : undefined,
    tree: { size: treeSize, root: Buffer.from(treeRoot).toString("hex") },
    signatures,
    legacy,
    sources: sources.map(({ agent, epoch, produced, stored, explained, unlinked }) => {
      return { agent, epoch, produced: String(produced), stored, explained, unlinked };
    }),
    first_bad: findings[0] ? findingJson(findings[0]) : null,
    findings: findings.map(findingJson),
    counts,
    unproven: unprovenLines(report),
  };
}

function findingJson({ kind, id, agent, epoch, sequence, detail }: Finding): Record<string, unknown> {
  return {
    kind,
    id: id === undefined ? null : String(id),
    agent,
    epoch: epoch || undefined,
    sequence: sequence ? String(sequence) : undefined,
    detail,
  };
}
