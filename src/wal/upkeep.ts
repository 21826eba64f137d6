import { pageBytes } from "./engine.ts";
import { IdleTimer } from "./idle-timer.ts";
import { costOf } from "./ledger.ts";
import type { LogParts } from "./log-parts.ts";
import { endsWriting, logError } from "./sqlite-error.ts";

// Free pages below this, or below a quarter of the file, are kept: appends take them up again.
const freeBytesKept = 16 << 20;
const vacuumPages = 1024;
const ballastEveryMs = 10_000;

/** What a log does for itself: writing back when nothing happens, giving free space back, saying how it is. */
export class Upkeep {
  readonly #parts: LogParts;
  readonly #timer: IdleTimer;
  #ballastDueMs: number;

  constructor(parts: LogParts) {
    this.#parts = parts;
    this.#timer = new IdleTimer(parts.settings.idleMs, parts.settings.clock, () => this.#whenIdle());
    parts.place.measure();
    this.#ballastDueMs = parts.settings.clock.monotonicMs() + parts.settings.idleMs;
    this.#timer.touch();
  }

  /** To be called after every change. */
  afterChange(): void {
    this.#timer.touch();
    if (this.#parts.settings.clock.monotonicMs() >= this.#ballastDueMs) this.#takeBallast();
    this.#report();
  }

  /** Writes the write-ahead file back, waiting for readers at most `patienceMs`. */
  checkpoint(patienceMs: number): void {
    const { gate, place, settings } = this.#parts;
    const startedMs = settings.clock.monotonicMs();
    gate.checkpoint(patienceMs);
    place.measure();
    settings.observer.observe("amoskys_log_checkpoint_seconds", (settings.clock.monotonicMs() - startedMs) / 1000);
    this.#report();
  }

  /** Gives free pages back to the file system until at most `keepBytes` of them are left. */
  vacuum(keepBytes: number): void {
    const { connection, gate } = this.#parts;
    for (let free = this.#freeBytes(); free > keepBytes; ) {
      gate.change(() => connection.run(`PRAGMA incremental_vacuum(${vacuumPages})`), "useBallast");
      const left = this.#freeBytes();
      if (left >= free) return;
      free = left;
    }
  }

  close(): void {
    this.#timer.close();
  }

  #freeBytes(): number {
    return this.#parts.connection.scalar<number>("PRAGMA freelist_count") * pageBytes;
  }

  // There is no caller to throw to: an error that ends writing stands in the gate and meets the next change.
  #whenIdle(): void {
    const { gate, place, settings } = this.#parts;
    if (gate.failed) return;
    try {
      this.checkpoint(0);
      const isWhole = this.#takeBallast();
      if (!isWhole || this.#freeBytes() > Math.max(freeBytesKept, place.fileBytes / 4)) {
        this.vacuum(isWhole ? freeBytesKept / 2 : 0);
        this.checkpoint(0);
      }
      if (!isWhole) this.#takeBallast();
    } catch (caught) {
      const error = logError(caught, settings.path);
      const level = endsWriting(error) ? "error" : "warn";
      settings.observer.log(level, error.message, { code: error.code, hint: error.hint });
    }
  }

  // Not at once: a log that is open for a moment needs none. Then again and again, for it may have been dropped.
  #takeBallast(): boolean {
    const { ballast, settings } = this.#parts;
    this.#ballastDueMs = settings.clock.monotonicMs() + ballastEveryMs;
    return ballast.take();
  }

  #report(): void {
    const { ledger, place, settings } = this.#parts;
    const { observer } = settings;
    const { pending, settled, parked } = ledger.totals;
    observer.gauge("amoskys_log_records", pending.count, { state: "pending" });
    observer.gauge("amoskys_log_records", settled.count, { state: "settled" });
    observer.gauge("amoskys_log_records", parked.count, { state: "parked" });
    observer.gauge("amoskys_log_live_bytes", ledger.liveBytes);
    observer.gauge("amoskys_log_pending_bytes", costOf(pending));
    observer.gauge("amoskys_log_file_bytes", place.fileBytes);
    observer.gauge("amoskys_log_write_ahead_bytes", place.walBytes);
  }
}
