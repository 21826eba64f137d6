import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { AmoskysError, errnoOf } from "../../core/errors.ts";
import type { ScenarioTruth } from "./truth-account.ts";

/** What tells the lines of one run from those of another in the same file. */
export interface RunFacts {
  readonly seed: number;
  /** Milliseconds since the Unix epoch. */
  readonly startMs: number;
}

/** Appends what is true of the events to a file, a JSON line for each scenario instance. */
export class TruthWriter {
  readonly #path: string;
  readonly #run: { readonly seed: number; readonly start: string };
  #fd: number | undefined;

  /** Opens the file, which is made if need be; throws `config_invalid` where that cannot be. */
  constructor(path: string, { seed, startMs }: RunFacts) {
    this.#path = path;
    this.#run = { seed, start: new Date(startMs).toISOString() };
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      this.#fd = openSync(path, "a", 0o600);
    } catch (caught) {
      throw new AmoskysError("config_invalid", `Cannot write the truth file ${path}: ${errnoOf(caught) ?? caught}`, {
        cause: caught,
        hint: "set synthetic.truth, or --truth FILE, to a file that can be written",
      });
    }
  }

  /** Throws `disk_full` or `internal` where the line cannot be written; takes no further ones then. */
  write(truth: ScenarioTruth): void {
    if (this.#fd === undefined) return;
    try {
      const line = Buffer.from(`${JSON.stringify({ run: this.#run, ...truth })}\n`);
      for (let at = 0; at < line.length; ) at += writeSync(this.#fd, line, at);
    } catch (caught) {
      closeSync(this.#fd);
      this.#fd = undefined;
      throw this.#failure(caught);
    }
  }

  /** Throws as `write` does, where what was written does not reach the disk. Safe twice. */
  close(): void {
    if (this.#fd === undefined) return;
    const fd = this.#fd;
    this.#fd = undefined;
    try {
      fsyncSync(fd);
    } catch (caught) {
      // a pipe or a device has nothing to be brought to disk
      if (errnoOf(caught) !== "EINVAL") throw this.#failure(caught);
    } finally {
      closeSync(fd);
    }
  }

  #failure(caught: unknown): AmoskysError {
    const errno = errnoOf(caught);
    const code = errno === "ENOSPC" || errno === "EDQUOT" ? "disk_full" : "internal";
    return new AmoskysError(code, `Cannot write the truth file ${this.#path}: ${errno ?? caught}`, {
      cause: caught,
      hint: "make room, or name another file with --truth FILE",
    });
  }
}
