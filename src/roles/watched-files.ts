import { statSync } from "node:fs";
import { errnoOf } from "../core/errors.ts";

/** Tells whether files have changed: replaced, written, gone, or out of reach. */
export class WatchedFiles {
  readonly #paths: readonly string[];
  #stamp: string;

  constructor(paths: readonly string[]) {
    this.#paths = paths;
    this.#stamp = this.#read();
  }

  /** Whether one of them is another than at the last look. Never throws. */
  changed(): boolean {
    const stamp = this.#read();
    if (stamp === this.#stamp) return false;
    this.#stamp = stamp;
    return true;
  }

  #read(): string {
    return this.#paths.map(stampOf).join(" ");
  }
}

function stampOf(path: string): string {
  try {
    const { ino, mtimeMs, ctimeMs, size } = statSync(path);
    return `${ino}:${mtimeMs}:${ctimeMs}:${size}`;
  } catch (caught) {
    return errnoOf(caught) ?? "unknown";
  }
}
