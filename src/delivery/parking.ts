import type { Clock } from "../core/clock.ts";
import { printable } from "../core/escape.ts";
import { blake2b256 } from "../core/hashes.ts";
import type { Observer } from "../core/observer.ts";
import { RatedLog } from "../core/rated-log.ts";
import type { Log } from "../wal/index.ts";
import type { Outbox } from "./outbox.ts";
import { leafOf, type ParcelItem, standaloneOf } from "./parcel.ts";
import type { Settler } from "./settler.ts";

/** Records that may wait for a full disk before nothing more is sent. */
const waitingMax = 2048;

/** What the bus says about a record is kept and told up to this length. */
const reasonLengthMax = 200;

export interface ParkingOptions {
  readonly log: Log;
  readonly outbox: Outbox;
  readonly settler: Settler;
  readonly observer: Observer;
  readonly clock: Clock;
}

/** Sets records aside that the bus refuses for a fault of their own. */
export class Parking {
  readonly #options: ParkingOptions;
  readonly #lines: RatedLog;
  /** Records whose notice is not durable yet. */
  readonly #waiting = new Map<number, ParcelItem>();

  constructor(options: ParkingOptions) {
    this.#options = options;
    this.#lines = new RatedLog(options.observer, options.clock);
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** So much waits for the disk that nothing more should be asked. */
  get isFull(): boolean {
    return this.#waiting.size >= waitingMax;
  }

  groupIds(): number[] {
    return [...this.#waiting.values()].map(({ group }) => group.id);
  }

  /**
   * First the signed notice for the bus is durable, then the record is parked as the envelope that stands alone: a
   * crash between the two tells it twice rather than never. `isLast` says that nothing else of its group is pending.
   */
  park(item: ParcelItem, refusal: { code: string; reason: string }, isLast: boolean): void {
    const { group, record } = item;
    const { log, outbox, observer } = this.#options;
    const code = printable(refusal.code).slice(0, reasonLengthMax);
    const reason = printable(refusal.reason).slice(0, reasonLengthMax);
    observer.count("agent_publish_fail_total");
    this.#lines.log(code, "warn", `the bus refused a record (${code}): it is parked`, {
      sequence: record.sequence,
      code,
      reason,
      hint: `amoskys wal inspect ${log.path} --state parked`,
    });
    // a refused notice gets no notice of its own, or a bus that refuses everything would never see the end of it
    if (record.kind === "parked") {
      this.#settle(item, code, reason, isLast);
      return;
    }
    this.#waiting.set(record.id, item);
    const facts = { sequence: record.sequence, digest: blake2b256(leafOf(record)), code, reason };
    void outbox.park({ epoch: group.source.epoch, facts }).then(() => {
      this.#waiting.delete(record.id);
      this.#settle(item, code, reason, isLast);
    });
  }

  #settle(item: ParcelItem, code: string, reason: string, isLast: boolean): void {
    const { settler } = this.#options;
    const { group, record } = item;
    settler.add(group.id, { id: record.id, state: "parked", code, reason, standalone: standaloneOf(item) });
    if (isLast) settler.finish(group.id);
  }
}
