import { bytesEqual } from "../core/bytes.ts";
import { blake2b256 } from "../core/hashes.ts";
import { type ParkedFacts, scanStoredLeaf, scanUniversal } from "../envelope/index.ts";
import type { LogReader, SourceKey, StoredRecord } from "../wal/index.ts";
import { duplicate, type Verdict } from "./ack-code.ts";

/** How far back the parked records of an agent are looked through when one of its events comes again. */
const parkedMax = 1024;

/** Two different events at one place of an agent's chain. */
export function conflict(place: string): Verdict {
  return { code: "conflict", reason: `conflict: another event was stored at ${place}` };
}

/** Judges what comes a second time by what the log holds. */
export class StoredRecords {
  readonly #reader: LogReader;

  constructor(reader: LogReader) {
    this.#reader = reader;
  }

  /** The answer to a verified event whose sequence is stored. What was compacted cannot differ any more. */
  sequenceVerdict(source: SourceKey, sequence: number, leaf: Uint8Array): Verdict {
    const record = this.#reader.record(source, sequence);
    return !record || holdsLeaf(record, leaf) ? duplicate : conflict(`sequence ${sequence}`);
  }

  /** The answer to an earlier agent's event; undefined where its key is not stored. */
  keyVerdict(agent: string, key: string, judgedDigest: Uint8Array): Verdict | undefined {
    const record = this.#reader.legacyRecord(agent, key);
    if (!record) return undefined;
    return bytesEqual(record.judgedDigest ?? record.digest, judgedDigest) ? duplicate : conflict("its idempotency_key");
  }

  /** What an agent said of an event when it set it aside; undefined where it said nothing. */
  parked(source: SourceKey, sequence: number): ParkedFacts | undefined {
    const query = { kinds: ["parked" as const], agents: [source.agent], limit: parkedMax, newestFirst: true };
    for (const record of this.#reader.records(query)) {
      if (record.source.epoch !== source.epoch || !record.intact) continue;
      const parked = factsOf(record)?.parked;
      if (parked?.sequence === sequence) return parked;
    }
    return undefined;
  }
}

function factsOf({ form, bytes }: StoredRecord): ReturnType<typeof scanFacts> {
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
