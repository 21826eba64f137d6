import type { RecordKind } from "../core/event.ts";
import type { SequenceRange } from "../core/sequence-set.ts";
import type { RecordForm, RecordTrust, SourceKey } from "../wal/index.ts";
import type { Verdict } from "./ack-code.ts";

/** An event on its way into the log. */
export interface UnitRecord {
  readonly tsNs: bigint;
  readonly kind: RecordKind;
  readonly form: RecordForm;
  /** What is stored. */
  readonly bytes: Uint8Array;
  /** What a second one of the same sequence is compared with. */
  readonly leaf: Uint8Array;
}

/** What is stored together or not at all, and waits for that. Several calls may wait for the same. */
export abstract class Pending {
  /** Request bytes that it keeps in memory. */
  readonly bytes: number;
  /** Calls that wait for it. */
  callers = 0;
  readonly done: Promise<Verdict>;
  readonly #settle: (verdict: Verdict) => void;

  constructor(records: readonly UnitRecord[]) {
    this.bytes = records.reduce((sum, record) => sum + record.bytes.length, 0);
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    this.done = promise;
    this.#settle = resolve;
  }

  settle(verdict: Verdict): void {
    this.#settle(verdict);
  }
}

export interface UnitInput {
  readonly source: SourceKey;
  /** Sequence of the first record; the others follow without a gap. */
  readonly first: number;
  readonly records: readonly UnitRecord[];
  /** The records are all leaves of one tree, under this signature; otherwise there is one, which stands alone. */
  readonly tree: boolean;
  readonly sig: Uint8Array;
  readonly prevSig: Uint8Array;
  /** Earlier sequences that its loss and parked records explain. */
  readonly closes: readonly SequenceRange[];
}

/** Verified events with sequences in a row: a whole tree, or one envelope. */
export class Unit extends Pending implements UnitInput {
  readonly source: SourceKey;
  readonly first: number;
  readonly last: number;
  readonly records: readonly UnitRecord[];
  readonly tree: boolean;
  readonly sig: Uint8Array;
  readonly prevSig: Uint8Array;
  readonly closes: readonly SequenceRange[];
  /** When it was offered, milliseconds of the monotonic clock. */
  offeredMs = 0;

  constructor(input: UnitInput) {
    super(input.records);
    this.source = input.source;
    this.first = input.first;
    this.last = input.first + input.records.length - 1;
    this.records = input.records;
    this.tree = input.tree;
    this.sig = input.sig;
    this.prevSig = input.prevSig;
    this.closes = input.closes;
  }

  leafAt(sequence: number): Uint8Array {
    return (this.records[sequence - this.first] as UnitRecord).leaf;
  }
}

/** An event of an earlier agent, known by that agent's key. */
export class LegacyUnit extends Pending {
  readonly agent: string;
  readonly key: string;
  readonly record: UnitRecord;
  readonly trust: Exclude<RecordTrust, "verified">;
  readonly judgedDigest: Uint8Array;

  constructor(input: Pick<LegacyUnit, "agent" | "key" | "record" | "trust" | "judgedDigest">) {
    super([input.record]);
    this.agent = input.agent;
    this.key = input.key;
    this.record = input.record;
    this.trust = input.trust;
    this.judgedDigest = input.judgedDigest;
  }
}
