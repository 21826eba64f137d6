import type { SequenceRange } from "../core/sequence-set.ts";
import type { AppendBatch, NewGroup, NewRecord, RangeChange, SourceHead, SourceKey } from "../wal/index.ts";
import type { Verdict } from "./ack-code.ts";
import type { LedgerStep } from "./ledger.ts";
import type { LegacyUnit, Pending, Unit } from "./unit.ts";

/** Something about a source that a person should hear of once the commit has it. */
export type SourceFinding =
  | ({ readonly type: "gap"; readonly source: SourceKey } & SequenceRange)
  | { readonly type: "chain_break"; readonly source: SourceKey; readonly sequence: number };

/** One commit while it is put together: what goes into the log's transaction, and who waits for it. */
export class BatchPlan {
  readonly findings: SourceFinding[] = [];
  readonly units: Pending[] = [];
  readonly #limits: { readonly batchRecordsMax: number; readonly batchBytesMax: number };
  readonly #receivedNs: bigint;
  readonly #groups: NewGroup[] = [];
  readonly #records: NewRecord[] = [];
  readonly #heads: SourceHead[] = [];
  readonly #ranges: RangeChange[] = [];
  #bytes = 0;

  constructor(limits: { readonly batchRecordsMax: number; readonly batchBytesMax: number }, receivedNs: bigint) {
    this.#limits = limits;
    this.#receivedNs = receivedNs;
  }

  get isFull(): boolean {
    return this.#records.length >= this.#limits.batchRecordsMax || this.#bytes >= this.#limits.batchBytesMax;
  }

  get isEmpty(): boolean {
    return this.#records.length === 0 && this.#heads.length === 0;
  }

  get recordCount(): number {
    return this.#records.length;
  }

  get batch(): AppendBatch {
    return { groups: this.#groups, records: this.#records, heads: this.#heads, ranges: this.#ranges };
  }

  addUnit(unit: Unit): void {
    const { source, first, records, sig, prevSig } = unit;
    let group: number | undefined;
    if (unit.tree) {
      group = this.#groups.length;
      this.#groups.push({ source, firstSequence: first, size: records.length, sig, prevSig });
    }
    records.forEach(({ tsNs, kind, form, bytes }, i) => {
      const receivedNs = this.#receivedNs;
      const place = { source, sequence: first + i, group };
      this.#records.push({ ...place, tsNs, receivedNs, kind, form, bytes, trust: "verified", state: "settled" });
    });
    this.#take(unit);
  }

  addLegacy(unit: LegacyUnit): void {
    const { tsNs, kind, form, bytes } = unit.record;
    this.#records.push({
      source: { agent: unit.agent, epoch: "" },
      sequence: 0,
      legacyKey: unit.key,
      judgedDigest: unit.judgedDigest,
      tsNs,
      receivedNs: this.#receivedNs,
      kind,
      form,
      bytes,
      trust: unit.trust,
      state: "settled",
    });
    this.#take(unit);
  }

  addChanges(source: SourceKey, changes: LedgerStep["changes"]): void {
    for (const change of changes) this.#ranges.push({ source, ...change });
  }

  addHead(head: SourceHead): void {
    this.#heads.push(head);
  }

  /** Tells everyone who waits for this commit how it ended. */
  settle(verdict: Verdict): void {
    for (const unit of this.units) unit.settle(verdict);
  }

  #take(unit: Pending): void {
    this.units.push(unit);
    this.#bytes += unit.bytes;
  }
}
