import type { LogFault, RecordFault } from "../wal/index.ts";

/** Ways in which a log can be bad; the first ones are the structure's. */
export type FindingKind =
  | RecordFault
  | LogFault
  /** The bytes are no envelope, or not a canonical one. */
  | "envelope"
  /** A column of the log says something else than the signed bytes. */
  | "index"
  /** No key of the agent made the signature. */
  | "signature"
  /** A record names another signature before it than the one that is there. */
  | "chain"
  /** A sequence is there twice. */
  | "repeated"
  /** Sequences are neither there nor explained. */
  | "gap"
  /** The table of ranges explains away what is there, or claims what no record says. */
  | "range"
  /** The table of heads does not fit the last record. */
  | "head";

/** One thing that is wrong with a log, and where. */
export interface Finding {
  readonly kind: FindingKind;
  /** The record, or the one behind the place; undefined: the end of the log, or the log as a whole. */
  readonly id: number | undefined;
  readonly agent?: string;
  readonly epoch?: string;
  readonly sequence?: number;
  /** One line without text from the outside. */
  readonly detail: string;
}

/** Findings that are kept; the others are counted. */
const keptMax = 100;

/** Gathers findings: the first ones by place, all by kind. */
export class Findings {
  #kept: Finding[] = [];
  readonly #counts = new Map<FindingKind, number>();

  add(finding: Finding): void {
    this.#counts.set(finding.kind, (this.#counts.get(finding.kind) ?? 0) + 1);
    const index = this.#kept.findIndex((other) => placeOf(other) > placeOf(finding));
    this.#kept.splice(index < 0 ? this.#kept.length : index, 0, finding);
    this.#kept.length = Math.min(this.#kept.length, keptMax);
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  /** In the order of the log. */
  get first(): readonly Finding[] {
    return this.#kept;
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}

/** Gaps and ranges name the record behind them. */
export function isInFront({ kind }: Finding): boolean {
  return kind === "gap" || kind === "range";
}

/** What is in front of a record stands so; then comes the end of a source, and last the log as a whole. */
function placeOf(finding: Finding): number {
  const { id, sequence } = finding;
  if (id === undefined) return sequence === undefined ? Number.POSITIVE_INFINITY : Number.MAX_SAFE_INTEGER;
  return isInFront(finding) ? id - 0.5 : id;
}
