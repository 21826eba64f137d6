import { AmoskysError } from "../core/errors.ts";
import type { Observer } from "../core/observer.ts";
import type { Ballast } from "./ballast.ts";
import type { Checkpointer } from "./checkpointer.ts";
import type { Connection } from "./connection.ts";
import type { FilePlace } from "./file-place.ts";
import { endsWriting, logError } from "./sqlite-error.ts";

export interface CommitGateParts {
  readonly path: string;
  readonly connection: Connection;
  readonly checkpointer: Checkpointer;
  readonly ballast: Ballast;
  readonly place: FilePlace;
  readonly observer: Observer;
  /** Makes memory agree with the file again after a rollback. */
  reload(): void;
}

/**
 * Through here goes every change of a log: one transaction, synced; then a look whether the files are still in place,
 * and a checkpoint where one is due. The first error after which the disk's content is not known closes the gate for
 * good: a sync that failed once may "succeed" the next time with the data gone.
 */
export class CommitGate {
  readonly #parts: CommitGateParts;
  #failed: AmoskysError | undefined;

  constructor(parts: CommitGateParts) {
    this.#parts = parts;
  }

  /** The error that closed the gate. */
  get failed(): AmoskysError | undefined {
    return this.#failed;
  }

  /**
   * Runs the work in one transaction. `onFullDisk`: what to do without space, in it and in the checkpoint behind it;
   * `useBallast` is for changes that lead to space being given back, never for an append, which would eat it up.
   */
  change<Result>(work: () => Result, onFullDisk: "fail" | "useBallast"): Result {
    const { connection, checkpointer, place } = this.#parts;
    const result = this.#guarded(() => connection.transact(work), onFullDisk);
    this.#guarded(() => place.assertUnmoved(), "fail");
    try {
      this.#guarded(() => checkpointer.afterCommit(), onFullDisk);
    } catch (caught) {
      // the change itself is durable; the next commit tries again to write back
      if (!(caught instanceof AmoskysError) || caught.code !== "disk_full") throw caught;
    }
    return result;
  }

  /** Writes the write-ahead file back as far as readers let it, waiting for them at most `patienceMs`. */
  checkpoint(patienceMs: number): void {
    this.#guarded(() => this.#parts.checkpointer.all(patienceMs), "useBallast");
  }

  #guarded<Result>(work: () => Result, onFullDisk: "fail" | "useBallast"): Result {
    this.#assertOpen();
    try {
      return work();
    } catch (caught) {
      const error = this.#note(caught);
      if (error.code !== "disk_full" || onFullDisk === "fail" || !this.#parts.ballast.drop()) throw error;
    }
    try {
      return work();
    } catch (caught) {
      throw this.#note(caught);
    }
  }

  /** Sorts an error, closes the gate where it must be closed, and otherwise makes memory agree with the file. */
  #note(caught: unknown): AmoskysError {
    let error = logError(caught, this.#parts.path);
    if (!endsWriting(error)) {
      try {
        this.#parts.reload();
      } catch (reloading) {
        error = logError(reloading, this.#parts.path);
      }
    }
    if (endsWriting(error)) this.#failed = error;
    this.#parts.observer.count("amoskys_log_errors_total", { code: error.code });
    return error;
  }

  #assertOpen(): void {
    if (!this.#failed) return;
    const { path } = this.#parts;
    throw new AmoskysError("log_io", `log ${path} takes no more writes after an error: ${this.#failed.message}`, {
      hint: this.#failed.hint ?? "check the disk and the kernel log, then restart",
      cause: this.#failed,
    });
  }
}
