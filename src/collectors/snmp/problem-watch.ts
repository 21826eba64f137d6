import type { ErrorCode } from "../../core/errors.ts";

/** One device says the same again after so long at the earliest, however often it changes. */
const quietMs = 60_000;

/**
 * When a device's problem is to be told: once per change of its code. Its message is not looked at, since the device
 * has its part in that. What falls into a quiet time is told behind it, where it still holds.
 */
export class ProblemWatch {
  #told: ErrorCode | undefined;
  readonly #toldMs = new Map<ErrorCode | undefined, number>();

  /** Whether the code, or that there is none, is to be told now. */
  isNews(code: ErrorCode | undefined, nowMs: number): boolean {
    const toldMs = this.#toldMs.get(code) ?? -Infinity;
    if (code === this.#told || nowMs - toldMs < quietMs) return false;
    this.#told = code;
    this.#toldMs.set(code, nowMs);
    return true;
  }
}
