import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "../core/clock.ts";
import { type RecordKind, recordKinds } from "../core/event.ts";
import type { Observer } from "../core/observer.ts";
import type { SubscribeRequest, SubscribeResponseSchema } from "../gen/amoskys/v1/bus_pb.ts";
import { judgePeer, type TrustMap } from "../identity/index.ts";
import { CallRefusal, type Peer } from "../transport/index.ts";
import type { LogReader, StoredRecord } from "../wal/index.ts";
import type { BusLimits } from "./limits.ts";

export type StoredEvent = MessageInitShape<typeof SubscribeResponseSchema>;

export interface SubscriptionsOptions {
  readonly reader: LogReader;
  readonly trust: () => TrustMap;
  readonly limits: Pick<BusLimits, "subscribersMax" | "subscribersPerNameMax">;
  readonly clock: Clock;
  readonly observer: Observer;
}

const pageRecords = 128;

/** How long a subscription that has nothing to send goes without a look at its permission. */
const recheckMs = 500;

interface Filter {
  readonly kinds: ReadonlySet<RecordKind>;
  readonly agents: ReadonlySet<string>;
}

/**
 * Hands stored events to subscribers. Each reads the log by id in pages as fast as it takes them, so there is no queue
 * that could overflow, no gap, and it resumes behind any id. A commit wakes those who have read everything.
 */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #open = new Map<string, number>();
  #count = 0;
  #woken = Promise.withResolvers<void>();
  #closed = false;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#count;
  }

  /** There is something new, or something changed that open subscriptions must look at. */
  wake(): void {
    this.#woken.resolve();
    this.#woken = Promise.withResolvers<void>();
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
        const woken = this.#woken.promise;
        this.#judge(peer);
        if (this.#closed) throw new CallRefusal("UNAVAILABLE", "the bus is shutting down");
        const page = this.#options.reader.records({ afterId: cursor, limit: pageRecords });
        for (const record of page) {
          cursor = record.id;
          if (!this.#isSound(record) || !matches(record, filter)) continue;
          yield eventOf(record);
          if (signal.aborted) return;
          // a slow reader may come back long after
          this.#judge(peer);
        }
        if (page.length === 0) await this.#pause(woken, signal);
        else await nextTurn();
      }
    } finally {
      this.#leave(name);
    }
  }

  #judge(peer: Peer): string {
    const { trust, clock } = this.#options;
    const verdict = judgePeer(peer, "subscribe", trust(), clock.wallMs());
    if (verdict.ok) return verdict.entry.name;
    this.#options.observer.count("amoskys_bus_authentication_failures_total", { code: verdict.code });
    const status = verdict.code === "expired" ? "UNAUTHENTICATED" : "PERMISSION_DENIED";
    throw new CallRefusal(status, `${verdict.code}: ${verdict.reason}`);
  }

  /** A record whose bytes are damaged is not what was stored: it is left out, and said. */
  #isSound({ id, intact }: StoredRecord): boolean {
    if (intact) return true;
    this.#options.observer.count("amoskys_bus_damaged_records_total");
    this.#options.observer.log("error", "A stored record is damaged and was not handed out", { id });
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

  /** Until something is new, the permission is to be looked at again, or the peer is gone. */
  async #pause(woken: Promise<void>, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, recheckMs);
    const onAbort = () => resolve();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await Promise.race([woken, promise]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }
}

/** Lets the event loop serve others between two pages. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function filterOf({ kinds, agents }: SubscribeRequest): Filter {
  for (const kind of kinds) {
    if (!(recordKinds as readonly string[]).includes(kind)) {
      throw new CallRefusal("INVALID_ARGUMENT", `kinds are ${recordKinds.join(", ")}`);
    }
  }
  return { kinds: new Set(kinds as RecordKind[]), agents: new Set(agents) };
}

function matches({ kind, source }: StoredRecord, { kinds, agents }: Filter): boolean {
  return (kinds.size === 0 || kinds.has(kind)) && (agents.size === 0 || agents.has(source.agent));
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

/** The first id that the bus took at or after a time; behind the last where there is none. Ids grow with time. */
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
