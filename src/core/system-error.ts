import { type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { AmoskysError, type ErrorCode, errnoOf } from "./errors.ts";

/** What the errno of a call on the file system (errno(3)) means to a person. */
const failures: Readonly<Record<string, { readonly code: ErrorCode; readonly why: string }>> = {
  EACCES: { code: "privilege_missing", why: "permission denied" },
  EPERM: { code: "privilege_missing", why: "permission denied" },
  EROFS: { code: "privilege_missing", why: "its file system is read-only" },
  ENOSPC: { code: "disk_full", why: "no space is left on its disk" },
  EDQUOT: { code: "disk_full", why: "the disk quota is used up" },
  ENOENT: { code: "file_missing", why: "there is no such file" },
  ENOTDIR: { code: "file_missing", why: "a part of the path is no directory" },
  EISDIR: { code: "usage", why: "it is a directory" },
  ELOOP: { code: "usage", why: "its links lead nowhere" },
  ENAMETOOLONG: { code: "usage", why: "the name is too long" },
};

/** The nearest place above a path that may be looked at: there a person sees whose it is. */
function lookable(path: string): string {
  try {
    if (statSync(path, { throwIfNoEntry: false })) return path;
  } catch {
    // not even its entry may be seen
  }
  const above = dirname(path);
  return above === path ? path : lookable(above);
}

function hintFor(code: ErrorCode, path: string): string {
  if (code === "privilege_missing") return `run it as the owner of ${path}: ls -ld ${lookable(path)}`;
  if (code === "disk_full") return `df -h ${lookable(path)}`;
  return `ls -ld ${lookable(path)}`;
}

/**
 * What the file system refused, as an error that names the path and says why and what to do; undefined for what is no
 * such refusal. `path` stands in where the caught error does not name one.
 */
export function systemError(caught: unknown, path?: string): AmoskysError | undefined {
  const failure = failures[errnoOf(caught) ?? ""];
  const own = (caught as { path?: unknown } | null)?.path;
  const place = path ?? (typeof own === "string" ? own : undefined);
  if (caught instanceof AmoskysError || !failure || place === undefined) return undefined;
  const hint = hintFor(failure.code, place);
  return new AmoskysError(failure.code, `${place}: ${failure.why}`, { hint, cause: caught });
}

/**
 * What lies at a path, links followed; undefined where nothing does. Unlike `existsSync` it does not take what may not
 * be looked at for missing: it throws `privilege_missing` then.
 */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (caught) {
    if (errnoOf(caught) === "ENOTDIR") return undefined;
    throw systemError(caught, path) ?? caught;
  }
}

/**
 * What writing to standard output failed with. A reader that has gone (`| head`) is `output_closed`: it ends a command
 * without a word and with 141, as SIGPIPE ends other tools, since 0 would be the verdict of a `wal verify` or a `certs
 * check` that was never reached. Anything else is `output_failed`.
 */
export function outputError(caught: unknown): AmoskysError {
  const errno = errnoOf(caught);
  if (errno === "EPIPE") {
    return new AmoskysError("output_closed", "The reader of the output has gone", { cause: caught });
  }
  const why = failures[errno ?? ""]?.why ?? errno ?? String(caught);
  return new AmoskysError("output_failed", `The output cannot be written: ${why}`, { cause: caught });
}
