import { AmoskysError } from "../core/errors.ts";
import type { Log, Settlement } from "../wal/index.ts";
import type { Timer } from "./timer.ts";

/** Settled records that may pile up in the log before they are removed. */
const pruneRecords = 1024;

/** Answers that may wait for a full disk before nothing more is sent. */
const unsavedMax = 8192;

export interface SettlerOptions {
  readonly log: Log;
  readonly timer: Timer;
  /** How long to wait before a full disk is tried again. */
  readonly diskRetryMs: number;
  /** Called after answers became durable, with the groups that are done with them. */
  onSaved(doneGroupIds: readonly number[]): void;
  /** Called once where the log cannot be written any more. */
  onFailed(error: AmoskysError): void;
}

interface Tried {
  readonly groupId: number;
  readonly code: string;
  readonly atMs: number;
}

/**
 * Makes answers durable: what came in during one turn of the event loop goes in one transaction. A full disk delays
 * that; what is not saved by then is sent again after a restart and known as a duplicate.
 */
export class Settler {
  readonly #options: SettlerOptions;
  #unsaved: { readonly groupId: number; readonly change: Settlement }[] = [];
  #done: number[] = [];
  #tried = new Map<number, Tried>();
  #settledSincePrune = 0;
  #isScheduled = false;
  #cancelRetry: (() => void) | undefined;
  #isFailed = false;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  add(groupId: number, change: Settlement): void {
    this.#unsaved.push({ groupId, change });
    this.#schedule();
  }

  /** Nothing of the group is pending once what was added so far is saved. */
  finish(groupId: number): void {
    this.#done.push(groupId);
  }

  /** Notes that a group was sent in vain. */
  tried(groupId: number, code: string, atMs: number): void {
    this.#tried.set(groupId, { groupId, code, atMs });
    this.#schedule();
  }

  /** Groups with answers that are not durable yet. */
  groupIds(): number[] {
    return this.#unsaved.map(({ groupId }) => groupId);
  }

  get isEmpty(): boolean {
    return this.#unsaved.length === 0;
  }

  /** So much waits for the disk that nothing more should be asked. */
  get isFull(): boolean {
    return this.#unsaved.length >= unsavedMax;
  }

  /** Saves now what waits; with `prune`, removes what is settled also where it is little. */
  flush(prune = false): void {
    if (this.#isFailed) return;
    try {
      this.#save();
      if (this.#settledSincePrune >= pruneRecords || (prune && this.#settledSincePrune > 0)) {
        this.#options.log.prune();
        this.#settledSincePrune = 0;
      }
    } catch (caught) {
      this.#onError(AmoskysError.from(caught));
    }
  }

  /** Ends the wait for a full disk. */
  stop(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#cancelRetry || this.#isFailed) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.flush();
    });
  }

  #save(): void {
    const { log, onSaved } = this.#options;
    const unsaved = this.#unsaved;
    if (unsaved.length > 0) {
      log.settle(unsaved.map(({ change }) => change));
      this.#unsaved = [];
      this.#settledSincePrune += unsaved.length;
    }
    for (const { groupId, code, atMs } of this.#tried.values()) {
      log.markTried(groupId, code, atMs);
      this.#tried.delete(groupId);
    }
    if (unsaved.length > 0) onSaved(this.#done.splice(0));
  }

  #onError(error: AmoskysError): void {
    if (error.code !== "disk_full") {
      this.#isFailed = true;
      this.#options.onFailed(error);
      return;
    }
    this.#cancelRetry ??= this.#options.timer.after(this.#options.diskRetryMs, () => {
      this.#cancelRetry = undefined;
      this.flush();
    });
  }
}
