import { loadTrustMap, type TrustMap } from "../identity/index.ts";
import { checkStructure, type LogReader, openLogReader, type RangeRow, type SourceHead } from "../wal/index.ts";
import { SignatureJudge, type SignatureVerdict } from "./wal-signature-judge.ts";
import { type Finding, Findings } from "./wal-verify-findings.ts";
import type { SourceSummary } from "./wal-verify-source.ts";
import { RecordWalk } from "./wal-verify-walk.ts";

export interface VerifyLogOptions {
  readonly path: string;
  /** The trust map with the public keys; without one no signature is checked. */
  readonly trustPath?: string | undefined;
  /** Where the trust map's relative paths start. */
  readonly home?: string | undefined;
  /** Checks signatures with tweetnacl instead of the runtime. */
  readonly independent?: boolean | undefined;
}

/** What a log can be shown to be. */
export interface VerifyReport {
  readonly path: string;
  readonly trustPath: string | undefined;
  /** Those that were there when it began: what the report is about. */
  readonly records: number;
  /** Records that came while it looked; the tree counts them, their signatures are not checked. */
  readonly arrived: number;
  /** Leaves and head of the log's own Merkle tree. */
  readonly treeSize: number;
  readonly treeRoot: Uint8Array;
  /** Records by what came of their signature. */
  readonly signatures: Readonly<Record<SignatureVerdict, number>>;
  /** Records of earlier agents, which stand in no chain. */
  readonly legacy: number;
  /** Agents without a key in the trust map that signed records. */
  readonly strangers: readonly string[];
  readonly sources: readonly SourceSummary[];
  /** In the order of the log; at most the first hundred. */
  readonly findings: readonly Finding[];
  /** All of them, by kind. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Whether every signature that the log claims could be checked. */
export function isComplete({ signatures }: VerifyReport): boolean {
  return signatures.unknown_key === 0 && signatures.incomplete_tree === 0;
}

/**
 * Verifies a log, also one in use, and files of the old schema. Throws `file_missing`, `log_foreign`, or
 * `identity_invalid` where the trust map is missing or broken; a bad log is an answer, not an error.
 */
export function verifyLog(options: VerifyLogOptions): VerifyReport {
  const { path, trustPath, home } = options;
  const trust = trustPath === undefined ? undefined : loadTrustMap(trustPath, { home });
  const reader = openLogReader(path);
  try {
    return verifyOpenLog(reader, trust, options);
  } finally {
    reader.close();
  }
}

/** The log's tables at one moment. */
interface Tables {
  readonly highestId: number;
  readonly heads: readonly SourceHead[];
  readonly ranges: readonly RangeRow[];
}

/** Reads the tables between two appends, so that heads and ranges fit the records up to `highestId`. */
function readTables(reader: LogReader): Tables {
  for (;;) {
    const highestId = reader.highestId();
    const tables = { highestId, heads: reader.sources(), ranges: reader.ranges() };
    if (reader.highestId() === highestId) return tables;
  }
}

function verifyOpenLog(reader: LogReader, trust: TrustMap | undefined, options: VerifyLogOptions): VerifyReport {
  const { path, trustPath, independent = false } = options;
  const tables = readTables(reader);
  const findings = new Findings();
  const walk = new RecordWalk(reader, new SignatureJudge(trust, independent), findings);
  let log: Pick<VerifyReport, "records" | "treeSize" | "treeRoot"> = {
    records: 0,
    treeSize: 0,
    treeRoot: new Uint8Array(),
  };
  let arrived = 0;
  for (const fact of checkStructure(path)) {
    if (fact.type === "log") {
      log = fact;
      for (const { fault, detail } of fact.faults) findings.add({ kind: fault, id: undefined, detail });
      continue;
    }
    const { record, faults } = fact;
    const place = { id: record.id, ...record.source, sequence: record.sequence };
    if (record.id > tables.highestId) {
      // appended since the walk began, or put there by somebody else
      if (record.id <= reader.highestId()) arrived += 1;
      else findings.add({ kind: "order", ...place, detail: "the log never gave this id" });
      continue;
    }
    for (const kind of faults) findings.add({ kind, ...place, detail: structureDetail[kind] });
    walk.take(record, faults.length === 0);
  }
  walk.end();
  const { records, treeSize, treeRoot } = log;
  const sources = finishSources(walk, tables, reader.ranges());
  const { signatures, legacy } = walk;
  const found = { findings: findings.first, counts: findings.counts };
  const strangers = [...walk.strangers];
  const counted = { records: records - arrived, arrived, treeSize, treeRoot };
  return { path, trustPath, ...counted, signatures, legacy, strangers, sources, ...found };
}

const structureDetail = {
  digest: "the bytes do not have the digest that was stored with them",
  order: "it stands out of order",
  group: "it does not belong to the group that the log puts it into",
} as const;

function finishSources(walk: RecordWalk, { heads, ranges }: Tables, later: readonly RangeRow[]): SourceSummary[] {
  const sealed = heads.filter(({ source }) => source.epoch !== "");
  for (const { source } of sealed) walk.source(source);
  return [...walk.sources]
    .filter(({ key }) => key.epoch !== "")
    .map(({ key, check }) => {
      const isOwn = ({ source }: { source: typeof key }) => source.agent === key.agent && source.epoch === key.epoch;
      return check.finish(sealed.find(isOwn), ranges.filter(isOwn), later.filter(isOwn));
    });
}
