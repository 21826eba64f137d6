import { AmoskysError, errnoOf } from "../core/errors.ts";

/** What failed while `place` was written, as an error that says what to do; what is no system error stays as it is. */
export function writeError(caught: unknown, place: string): unknown {
  const errno = errnoOf(caught);
  if (caught instanceof AmoskysError || errno === undefined) return caught;
  if (errno === "ENOSPC" || errno === "EDQUOT") {
    return new AmoskysError("disk_full", `There is no space left to write to ${place}`, { cause: caught });
  }
  return new AmoskysError("identity_invalid", `Cannot write to ${place}: ${errno}`, {
    hint: `ls -ld ${place}`,
    cause: caught,
  });
}
