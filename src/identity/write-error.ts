import { AmoskysError, errnoOf } from "../core/errors.ts";
import { systemError } from "../core/system-error.ts";

/** What failed while `place` was written, as an error that says what to do; what is no system error stays as it is. */
export function writeError(caught: unknown, place: string): unknown {
  const errno = errnoOf(caught);
  if (caught instanceof AmoskysError || errno === undefined) return caught;
  if (errno === "ENOSPC" || errno === "EDQUOT") {
    return new AmoskysError("disk_full", `There is no space left to write to ${place}`, {
      hint: `df -h ${place}`,
      cause: caught,
    });
  }
  const denied = systemError(caught, place);
  if (denied?.code === "privilege_missing") return denied;
  return new AmoskysError("identity_invalid", `Cannot write to ${place}: ${errno}`, {
    hint: `ls -ld ${place}`,
    cause: caught,
  });
}
