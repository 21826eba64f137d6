import { statSync } from "node:fs";
import { AmoskysError } from "../core/errors.ts";
import { readTrustFile, type TrustFile } from "./trust-file.ts";
import type { TrustMap } from "./trust-map.ts";

const everyMsDefault = 500;

export interface TrustWatchOptions {
  /** A new map is in force. */
  onChange(map: TrustMap): void;
  /** The files as they are now cannot be used; the map of before stays in force. Called once for each broken state. */
  onError(error: AmoskysError): void;
  /** How often the files are looked at; default 500. */
  readonly everyMs?: number;
  /** Where relative key paths start; default as in loadTrustMap. */
  readonly home?: string | undefined;
}

export interface TrustWatch {
  /** The map in force. */
  readonly current: TrustMap;
  close(): void;
}

/** What stat(2) says of a file; another text where its content may be another. */
function stamp(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs, mode } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs, mode].join();
  } catch (caught) {
    return String((caught as { code?: unknown }).code);
  }
}

function stamps(files: readonly string[]): string {
  return files.map(stamp).join("\n");
}

/**
 * Loads a trust map and keeps it up to date with its file and its key files, which are looked at rather than
 * listened to: that works on every file system, and for links that are swapped. Throws as loadTrustMap where the
 * first map cannot be loaded; later a broken state is reported and the map of before stays.
 */
export function watchTrustMap(path: string, options: TrustWatchOptions): TrustWatch {
  const load = (): TrustFile => readTrustFile(path, { home: options.home });
  let file = load();
  let seen = "";
  let broken: string | undefined;
  const look = (): void => {
    // taken before the content is read, so that what changes in between is seen as a change the next time
    const now = stamps(file.files);
    // what a broken map waits for may be a file that is not among those of the map before
    if (now === seen && broken === undefined) return;
    seen = now;
    try {
      const next = load();
      const changed = next.digest !== file.digest;
      file = next;
      broken = undefined;
      if (changed) options.onChange(next.map);
    } catch (caught) {
      const error = AmoskysError.from(caught);
      const known = broken === error.message;
      broken = error.message;
      if (!known) options.onError(error);
    }
  };
  const timer = setInterval(look, options.everyMs ?? everyMsDefault);
  timer.unref();
  return {
    get current() {
      return file.map;
    },
    close: () => clearInterval(timer),
  };
}
