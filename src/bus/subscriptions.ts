import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "../core/clock.ts";
import { type RecordKind, recordKinds } from "../core/event.ts";
import type { Observer } from "../core/observer.ts";
import { RatedLog } from "../core/rated-log.ts";
import type { SubscribeRequest, SubscribeResponseSchema } from "../gen/amoskys/v1/bus_pb.ts";
import { judgePeer, type TrustMap } from "../identity/index.ts";
import { CallRefusal, type Peer } from "../transport/index.ts";
import type { LogReader, RecordQuery, StoredRecord } from "../wal/index.ts";
import { Bell } from "./bell.ts";
import type { BusLimits } from "./limits.ts";
import { ReadTurns } from "./read-turns.ts";

export type StoredEvent = MessageInitShape<typeof SubscribeResponseSchema>;

export interface SubscriptionsOptions {
  readonly reader: LogReader;
  readonly trust: () => TrustMap;
  readonly limits: Pick<BusLimits, "subscribersMax" | "subscribersPerNameMax">;
  readonly clock: Clock;
  readonly observer: Observer;
}

const pageRecords = 128;

/** Ids that one page looks through at most: a filter that nothing fits would hold the event loop for a whole log. */
const pageIds = 2048;

/** How long a subscription that has nothing to send goes without a look at its permission. */
const recheckMs = 500;

type Filter = Pick<RecordQuery, "kinds" | "agents">;

interface Page {
  readonly records: readonly StoredRecord[];
  /** Up to this id there is nothing else that fits. */
  readonly lastId: number;
}

/**
 * Hands stored events to subscribers. Each reads the log by id in pages as fast as it takes them, so there is no queue
 * that could overflow, no gap, and it resumes behind any id. A commit wakes those who have read everything. A record
 * whose bytes are damaged is the exception: it is left out, counted and logged, since a stream that ended there would
 * end there at every resume, for every subscriber. Whoever has to know finds its id by `wal verify` on the bus.
 */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #open = new Map<string, number>();
  #count = 0;
  readonly #bell = new Bell();
  readonly #damage: RatedLog;
  readonly #turns: ReadTurns;
  #closed = false;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
    this.#damage = new RatedLog(options.observer, options.clock);
    this.#turns = new ReadTurns(options);
  }

  get count(): number {
    return this.#count;
  }

  /** Events were stored. */
  noteStored(): void {
    this.#turns.noteStored();
    this.wake();
  }

  /** There is something new, or something changed that open subscriptions must look at. */
  wake(): void {
    this.#bell.ring();
  }

  /** Ends every subscription; the bus goes away. */
  close(): void {
    this.#closed = true;
    this.wake();
  }

  async *subscribe(peer: Peer, request: SubscribeRequest, signal: AbortSignal): AsyncGenerator<StoredEvent> {
    const name = this.#judge(peer);
    const filter = filterOf(request);
    let cursor = this.#startOf(request);
    this.#enter(name);
    try {
      while (!signal.aborted) {
        this.#judge(peer);
        if (this.#closed) throw new CallRefusal("UNAVAILABLE", "the bus is shutting down");
        const { records, lastId } = await this.#turns.run(() => this.#page(cursor, filter));
        for (const record of records) {
          cursor = record.id;
          if (!this.#isSound(record)) continue;
          yield eventOf(record);
          if (signal.aborted) return;
          // a slow reader may come back long after
          this.#judge(peer);
        }
        if (lastId > cursor) cursor = lastId;
        else if (records.length === 0) await this.#bell.wait(recheckMs, signal);
      }
    } finally {
      this.#leave(name);
    }
  }

  #page(cursor: number, filter: Filter): Page {
    const { reader } = this.#options;
    const lastId = Math.min(cursor + pageIds, reader.highestId());
    if (lastId <= cursor) return { records: [], lastId: cursor };
    const records = reader.records({ ...filter, afterId: cursor, throughId: lastId, limit: pageRecords });
    return { records, lastId: records.length < pageRecords ? lastId : (records.at(-1)?.id ?? lastId) };
  }

  #judge(peer: Peer): string {
    const { trust, clock } = this.#options;
    const verdict = judgePeer(peer, "subscribe", trust(), clock.wallMs());
    if (verdict.ok) return verdict.entry.name;
    this.#options.observer.count("amoskys_bus_authentication_failures_total", { code: verdict.code });
    const status = verdict.code === "expired" ? "UNAUTHENTICATED" : "PERMISSION_DENIED";
    throw new CallRefusal(status, `${verdict.code}: ${verdict.reason}`);
  }

  /** Whether the bytes are what was stored. */
  #isSound({ id, intact }: StoredRecord): boolean {
    if (intact) return true;
    this.#options.observer.count("amoskys_bus_damaged_records_total");
    this.#damage.log("damaged", "error", "A stored record is damaged and was not handed out", { id });
    return false;
  }

  #startOf({ start }: SubscribeRequest): number {
    const highest = this.#options.reader.highestId();
    if (start.case === "sinceNs") return firstIdSince(this.#options.reader, start.value, highest) - 1;
    if (start.case !== "afterId") return highest;
    if (start.value > BigInt(highest)) {
      throw new CallRefusal("OUT_OF_RANGE", `record ${start.value} is not stored here, the last is ${highest}`);
    }
    return Number(start.value);
  }

  #enter(name: string): void {
    const { subscribersMax, subscribersPerNameMax } = this.#options.limits;
    const held = this.#open.get(name) ?? 0;
    if (this.#count >= subscribersMax || held >= subscribersPerNameMax) {
      throw new CallRefusal("RESOURCE_EXHAUSTED", `${this.#count} subscriptions are open, ${held} of them of ${name}`);
    }
    this.#open.set(name, held + 1);
    this.#count += 1;
    this.#options.observer.gauge("amoskys_bus_subscribers", this.#count);
  }

  #leave(name: string): void {
    const held = (this.#open.get(name) ?? 1) - 1;
    if (held === 0) this.#open.delete(name);
    else this.#open.set(name, held);
    this.#count -= 1;
    this.#options.observer.gauge("amoskys_bus_subscribers", this.#count);
  }
}

function filterOf({ kinds, agents }: SubscribeRequest): Filter {
  for (const kind of kinds) {
    if (!(recordKinds as readonly string[]).includes(kind)) {
      throw new CallRefusal("INVALID_ARGUMENT", `kinds are ${recordKinds.join(", ")}`);
    }
  }
  return {
    kinds: kinds.length === 0 ? undefined : (kinds as RecordKind[]),
    agents: agents.length === 0 ? undefined : agents,
  };
}

function eventOf(record: StoredRecord): StoredEvent {
  return {
    id: BigInt(record.id),
    receivedNs: record.receivedNs,
    agent: record.source.agent,
    kind: record.kind,
    trust: record.trust,
    event: record.bytes,
    universal: record.form !== "envelope",
  };
}

/** The first id that the bus took at or after a time; behind the last where there is none. Ids grow with the stamps. */
function firstIdSince(reader: LogReader, sinceNs: bigint, highest: number): number {
  let low = 1;
  let high = highest + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [record] = reader.records({ afterId: middle - 1, limit: 1 });
    if (!record || record.receivedNs >= sinceNs) high = middle;
    else low = record.id + 1;
  }
  return low;
}
