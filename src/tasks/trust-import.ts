import { existsSync, realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { AmoskysError } from "../core/errors.ts";
import { printable } from "../core/escape.ts";
import { statOf } from "../core/system-error.ts";
import {
  changeTrustFile,
  type DeclaredKey,
  type IdentityPaths,
  keepPublicKey,
  type LegacyForm,
  loadTrustMap,
  type TrustEntry,
  type TrustText,
  trustHome,
  trustTextOf,
} from "../identity/index.ts";
import { loadHomeTrust } from "./trust-change.ts";

/** What became of the names of an imported trust map. */
export interface TrustImported {
  readonly added: readonly string[];
  /** Were there already, with the same keys, and say now what they may send of old. */
  readonly changed: readonly string[];
  /** Were there already just so. */
  readonly same: readonly string[];
  /** Names that have one key together: what one of them signed in a form of old, another could have signed. */
  readonly sharedKeys: readonly (readonly string[])[];
}

function fingerprints(entry: TrustEntry): string {
  return entry.keys
    .map((key) => key.fingerprint)
    .sort()
    .join();
}

function namesOfSharedKeys(entries: Iterable<TrustEntry>): string[][] {
  const names = new Map<string, Set<string>>();
  for (const entry of entries) {
    for (const key of entry.keys) {
      const of = names.get(key.fingerprint) ?? new Set();
      names.set(key.fingerprint, of.add(entry.name));
    }
  }
  return [...names.values()].filter((of) => of.size > 1).map((of) => [...of]);
}

function isSameFile(a: string, b: string): boolean {
  return existsSync(a) && existsSync(b) && realpathSync(a) === realpathSync(b);
}

/** Throws `identity_invalid` for names of a map that are here with other keys. */
function assertNoConflict(file: string, entries: readonly TrustEntry[], here: ReadonlyMap<string, TrustEntry>): void {
  const other = entries.filter((entry) => {
    const known = here.get(entry.name);
    return known !== undefined && fingerprints(known) !== fingerprints(entry);
  });
  if (other.length === 0) return;
  const names = other.map((entry) => entry.name).join(", ");
  throw new AmoskysError(
    "identity_invalid",
    `${file} has other keys than this home for ${names}; nothing was changed`,
    {
      hint: `amoskys trust remove ${other[0]?.name}`,
    },
  );
}

/**
 * Takes over the entries of a trust map, in whatever form, with their keys; `legacy` is what those may send that may
 * publish and do not say it themselves. Throws `file_missing` where there is no such
 * file. The home's own map may be given too, which lets its agents of old go on. Throws
 * `identity_invalid` where anything of it is missing or broken, or a name is here with other keys; nothing is changed
 * then.
 */
export function importTrust(paths: IdentityPaths, file: string, legacy: LegacyForm | undefined): TrustImported {
  if (!statOf(file)) {
    throw new AmoskysError("file_missing", `There is no file ${printable(file)}`, { hint: `ls ${dirname(file)}` });
  }
  const here = loadHomeTrust(paths)?.entries ?? new Map<string, TrustEntry>();
  const home = isSameFile(file, paths.trustMap) ? paths.home : trustHome(file);
  const entries = [...loadTrustMap(file, { home }).entries.values()];
  assertNoConflict(file, entries, here);
  const add: Record<string, TrustText> = {};
  const [added, changed, same]: [string[], string[], string[]] = [[], [], []];
  for (const entry of entries) {
    const known = here.get(entry.name);
    const form = (known ?? entry).legacy ?? (entry.permissions.has("publish") ? legacy : undefined);
    if (known && form === known.legacy) {
      same.push(entry.name);
    } else if (known) {
      changed.push(entry.name);
      add[entry.name] = trustTextOf({ ...known, legacy: form });
    } else {
      added.push(entry.name);
      const keys = entry.keys.map((key): DeclaredKey => {
        const path = keepPublicKey(paths, entry.name, key.publicKey, resolve(home, key.path));
        return { ...key, path };
      });
      add[entry.name] = trustTextOf({ ...entry, keys, legacy: form });
    }
  }
  if (Object.keys(add).length > 0) changeTrustFile(paths.trustMap, { remove: changed, add });
  return { added, changed, same, sharedKeys: namesOfSharedKeys([...here.values(), ...entries]) };
}
