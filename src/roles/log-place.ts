import { AmoskysError } from "../core/errors.ts";
import type { Observer } from "../core/observer.ts";
import { readFileSystem } from "../native/index.ts";
import type { LogRecovery } from "../wal/index.ts";

/**
 * Throws `config_invalid` where a log would lie on a network file system, whose locks and syncs cannot be relied on.
 */
export function assertLocalPlace(path: string): void {
  const { type, network } = readFileSystem(path);
  if (!network) return;
  throw new AmoskysError("config_invalid", `A log cannot lie on a network file system: ${path} is on ${type}`, {
    hint: "set storage.wal_dir, storage.storage_dir and agent.wal_path to a local disk",
  });
}

/** Says what was at the place of a log instead of a healthy one, and what became of it. */
export function reportRecovery(recovery: LogRecovery | undefined, observer: Observer): void {
  if (!recovery) return;
  const { reason, setAside, salvaged, hint } = recovery;
  observer.log("error", `the log was set aside: ${reason}`, { set_aside: setAside, salvaged, hint });
}
