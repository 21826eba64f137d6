import { bytesEqual } from "../core/bytes.ts";
import { blake2b256 } from "../core/hashes.ts";
import { scanStoredLeaf, scanUniversal } from "../envelope/index.ts";
import type { LogReader, NewRecord, SourceKey, StoredRecord } from "../wal/index.ts";
import { duplicate, type Verdict } from "./ack-code.ts";

/** Parked records whose digests are known: the newest of all agents. About 10 MB. */
const parkedMax = 65_536;

function placeOf({ agent, epoch }: SourceKey, sequence: number): string {
  return `${epoch}.${sequence} ${agent}`;
}

/** Two different events at one place of an agent's chain. */
export function conflict(place: string): Verdict {
  return { code: "conflict", reason: `conflict: another event was stored at ${place}` };
}

/** Judges what comes a second time by what the log holds. */
export class StoredRecords {
  readonly #reader: LogReader;
  /** Digests of what agents said they set aside, by place, the oldest first; loaded when the first is asked for. */
  #parked: Map<string, Uint8Array> | undefined;

  constructor(reader: LogReader) {
    this.#reader = reader;
  }

  /** The answer to a verified event whose sequence is stored; undefined where its record is not here. */
  sequenceVerdict(source: SourceKey, sequence: number, leaf: Uint8Array): Verdict | undefined {
    const record = this.#reader.record(source, sequence);
    if (!record) return undefined;
    return holdsLeaf(record, leaf) ? duplicate : conflict(`sequence ${sequence}`);
  }

  /** The answer to an earlier agent's event; undefined where its key is not stored. */
  keyVerdict(agent: string, key: string, judgedDigest: Uint8Array): Verdict | undefined {
    const record = this.#reader.legacyRecord(agent, key);
    if (!record) return undefined;
    return bytesEqual(record.judgedDigest ?? record.digest, judgedDigest) ? duplicate : conflict("its idempotency_key");
  }

  /**
   * Digest of an event that its agent said it set aside. Undefined where it said nothing, or where so many were set
   * aside since that it is not known any more: then the event is taken by its signature alone.
   */
  parkedDigest(source: SourceKey, sequence: number): Uint8Array | undefined {
    this.#parked ??= this.#loadParked();
    return this.#parked.get(placeOf(source, sequence));
  }

  /** Records were committed: what they say of parked ones is known from now on. */
  noteParked(records: readonly NewRecord[]): void {
    if (!this.#parked) return;
    for (const record of records) {
      if (record.kind === "parked") remember(this.#parked, record);
    }
  }

  /** One look through the whole log, and only in a run in which something comes that had been declared. */
  #loadParked(): Map<string, Uint8Array> {
    const parked = new Map<string, Uint8Array>();
    const newest = this.#reader.records({ kinds: ["parked"], limit: parkedMax, newestFirst: true });
    for (const record of newest.reverse()) if (record.intact) remember(parked, record);
    return parked;
  }
}

function remember(
  parked: Map<string, Uint8Array>,
  { source, form, bytes }: Pick<StoredRecord, "source" | "form" | "bytes">,
): void {
  const facts = factsOf({ form, bytes })?.parked;
  if (!facts) return;
  parked.set(placeOf(source, facts.sequence), facts.digest.slice());
  if (parked.size <= parkedMax) return;
  for (const oldest of parked.keys()) {
    parked.delete(oldest);
    return;
  }
}

function factsOf({ form, bytes }: Pick<StoredRecord, "form" | "bytes">): ReturnType<typeof scanFacts> {
  return scanFacts(form === "leaf" ? scanStoredLeaf(bytes) : scanUniversal(bytes));
}

function scanFacts(scan: ReturnType<typeof scanUniversal>) {
  return scan.ok ? scan.facts : undefined;
}

/** Whether a stored record is this event. A record that is damaged is judged by the digest that was stored with it. */
function holdsLeaf(record: StoredRecord, leaf: Uint8Array): boolean {
  if (record.form === "leaf") return bytesEqual(record.digest, blake2b256(leaf));
  const stored = record.intact ? factsOf(record)?.leafBytes() : undefined;
  return stored === undefined || bytesEqual(stored, leaf);
}
