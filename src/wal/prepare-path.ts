import { mkdirSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { AmoskysError } from "../core/errors.ts";
import { syncFolder } from "./set-aside.ts";

/**
 * The path of a log with its folder made, for the owner alone, and freed of links, which SQLite refuses anywhere in it.
 * Throws `log_io` where the folder cannot be had.
 */
export function preparePath(path: string): string {
  const absolute = resolve(path);
  const folder = dirname(absolute);
  try {
    const made = mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (made) syncFolder(dirname(made));
    return join(realpathSync(folder), basename(absolute));
  } catch (caught) {
    throw new AmoskysError("log_io", `the folder of log ${absolute} cannot be made or reached`, {
      hint: `mkdir -p ${folder}`,
      cause: caught,
    });
  }
}
