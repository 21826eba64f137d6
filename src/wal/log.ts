import { AmoskysError } from "../core/errors.ts";
import type { AppendBatch, AppendResult, RangeRow, SourceHead } from "./append-batch.ts";
import { assertBudget, assertWalBound } from "./budget.ts";
import type { OldestGroups } from "./group-table.ts";
import type { LogRecovery, LogStats } from "./log-options.ts";
import type { LogParts } from "./log-parts.ts";
import { statsOf } from "./log-stats.ts";
import type { SourceKey, StoredGroup } from "./record.ts";
import type { Settlement } from "./settler.ts";
import { logError } from "./sqlite-error.ts";
import { Upkeep } from "./upkeep.ts";

const patienceMs = 200;

/**
 * The one writer of a log. Every method that changes something returns after the sync. Throws `disk_full` (nothing
 * stored, usable again once there is space) or `log_io` (from then on every change throws).
 */
export class Log {
  readonly path: string;
  /** What was at the path instead of a healthy log, and what became of it. */
  readonly recovery: LogRecovery | undefined;
  readonly #parts: LogParts;
  readonly #upkeep: Upkeep;
  #lastCommitMs = 0;
  #closed = false;

  /** Made by `openLog`. */
  constructor(parts: LogParts) {
    this.path = parts.settings.path;
    this.recovery = parts.recovery;
    this.#parts = parts;
    this.#upkeep = new Upkeep(parts);
  }

  meta(key: string): string | undefined {
    return this.#read(() => this.#parts.meta.get(key));
  }

  /** Every fact of `setMeta` by its key. */
  allMeta(): Record<string, string> {
    return this.#read(() => this.#parts.meta.all());
  }

  setMeta(key: string, value: string): void {
    this.#change(() => this.#parts.meta.set(key, value), "useBallast");
  }

  /** Every source with its head, in the order in which they came. */
  sources(): SourceHead[] {
    return this.#read(() => this.#parts.sources.heads());
  }

  ranges(source?: SourceKey): RangeRow[] {
    return this.#read(() => this.#parts.ranges.all(source));
  }

  /** Appends a batch, all of it or nothing. Throws `disk_full` also where the log's own budget is used up. */
  append(batch: AppendBatch): AppendResult {
    const { appender, ledger, pruner, settings } = this.#parts;
    const { observer, clock } = settings;
    const startedMs = clock.monotonicMs();
    this.#read(() => assertWalBound(this.#parts));
    let shed = 0;
    const result = this.#change(() => {
      shed = batch.dropGroups?.length ? pruner.drop(batch.dropGroups, clock.wallMs()) : 0;
      assertBudget(this.#parts, batch);
      const appended = appender.append(batch);
      ledger.save();
      return appended;
    }, "fail");
    this.#lastCommitMs = clock.wallMs();
    observer.observe("amoskys_log_commit_seconds", (clock.monotonicMs() - startedMs) / 1000);
    observer.count("amoskys_log_appended_total", undefined, batch.records.length);
    if (shed > 0) observer.count("amoskys_log_shed_total", undefined, shed);
    return result;
  }

  /** The next group by id that still has pending records, with all its records that are here. */
  nextGroup(afterGroupId: number): StoredGroup | undefined {
    return this.#read(() => this.#parts.groups.next(afterGroupId));
  }

  /** A group by id, with all its records that are here. */
  group(id: number): StoredGroup | undefined {
    return this.#read(() => this.#parts.groups.get(id));
  }

  /** Changes the states of records; ids that have left the log are passed over. */
  settle(changes: readonly Settlement[]): void {
    const { settler, ledger, settings } = this.#parts;
    this.#change(() => {
      settler.settle(changes);
      ledger.save();
    }, "useBallast");
    const parked = changes.filter(({ state }) => state === "parked").length;
    settings.observer.count("amoskys_log_settled_total", undefined, changes.length - parked);
    if (parked > 0) settings.observer.count("amoskys_log_parked_total", undefined, parked);
  }

  /** Makes parked records pending again, which keep the form `universal`; answers how many were parked. */
  replay(ids: readonly number[]): number {
    const { settler, ledger } = this.#parts;
    return this.#change(() => {
      const replayed = settler.replay(ids);
      ledger.save();
      return replayed;
    }, "useBallast");
  }

  /** Notes that a group was sent in vain. */
  markTried(groupId: number, code: string, atMs: number): void {
    this.#change(() => this.#parts.settler.markTried(groupId, code, atMs), "useBallast");
  }

  /**
   * Agent: the settled records of groups without pending ones leave. Bus: the oldest settled records leave while the
   * log is over its budget. Their sequences become range `settled`. Answers how many left.
   */
  prune(): number {
    const { pruner, ledger, settings } = this.#parts;
    if (settings.role === "agent") return this.#removeInChunks((nowMs) => pruner.removeDone(nowMs));
    if (ledger.liveBytes <= settings.budgetBytes) return 0;
    // a little more than needed, so that this is not due again at once
    const aimBytes = settings.budgetBytes - settings.budgetBytes / 16;
    return this.#removeInChunks((nowMs) => {
      const bytes = ledger.liveBytes - aimBytes;
      return bytes > 0 ? pruner.removeOldest(ledger.lastId, bytes, nowMs) : 0;
    });
  }

  /**
   * Removes settled records that came before `untilNs` (agent: all of groups without pending ones) and gives the free
   * space in the file back to the file system. Answers how many left.
   */
  compact(untilNs: bigint): number {
    const { pruner, ledger, settings } = this.#parts;
    let removed: number;
    if (settings.role === "agent") {
      removed = this.prune();
    } else {
      const lastId = this.#read(() => pruner.lastBefore(untilNs)) ?? ledger.lastId;
      const bytes = Number.POSITIVE_INFINITY;
      removed = this.#removeInChunks((nowMs) => pruner.removeOldest(lastId, bytes, nowMs));
    }
    this.#upkeep.vacuum(0);
    this.checkpoint();
    return removed;
  }

  /** What shedding at least `bytes` (counted as in LogStats.liveBytes) would drop, oldest first. */
  oldestGroups(bytes: number, exceptGroupIds: readonly number[]): OldestGroups {
    return this.#read(() => this.#parts.groups.oldest(bytes, new Set(exceptGroupIds)));
  }

  /**
   * What records may still take on the disk, free space in the file included; at 0 or below appends are refused. What
   * settling and pruning need is kept out of it.
   */
  diskRoomBytes(): number {
    return this.#read(() => this.#parts.room.bytes());
  }

  stats(): LogStats {
    const { ledger, groups, place, settings } = this.#parts;
    place.measure();
    return statsOf(ledger.row(), {
      oldestPendingNs: this.#read(() => groups.oldestPendingNs()),
      budgetBytes: settings.budgetBytes,
      fileBytes: place.fileBytes,
      walBytes: place.walBytes,
      lastCommitMs: this.#lastCommitMs,
    });
  }

  /** Writes the write-ahead file back, as far as readers allow. */
  checkpoint(): void {
    this.#upkeep.checkpoint(patienceMs);
  }

  /** Writes back, closes, and lets another writer in. Safe twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#upkeep.close();
    const { gate, connection, lock } = this.#parts;
    try {
      if (!gate.failed) gate.checkpoint(patienceMs);
    } catch (caught) {
      // what could not be written back stays in the write-ahead file, where the next opening finds it
      if (!(caught instanceof AmoskysError)) throw caught;
    } finally {
      connection.close();
      lock.release();
    }
  }

  #change<Result>(work: () => Result, onFullDisk: "fail" | "useBallast"): Result {
    const result = this.#parts.gate.change(work, onFullDisk);
    this.#upkeep.afterChange();
    return result;
  }

  #read<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (caught) {
      throw logError(caught, this.path);
    }
  }

  #removeInChunks(removeSome: (nowMs: number) => number): number {
    const { ledger, settings } = this.#parts;
    let removed = 0;
    for (let some = -1; some !== 0; removed += some) {
      some = this.#change(() => {
        const count = removeSome(settings.clock.wallMs());
        if (count > 0) ledger.save();
        return count;
      }, "useBallast");
    }
    if (removed > 0) settings.observer.count("amoskys_log_pruned_total", undefined, removed);
    return removed;
  }
}
