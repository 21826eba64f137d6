import { existsSync } from "node:fs";
import { AmoskysError } from "../core/errors.ts";
import { printable } from "../core/escape.ts";
import { readPublicFile } from "./public-file.ts";
import { replaceFile } from "./replace-file.ts";
import { parseTrustDocument, type TrustDeclaration } from "./trust-document.ts";
import { addToTrustText, newTrustText, removeFromTrustText, type TrustText } from "./trust-edit.ts";

const trustBytesMax = 1 << 20;

/** What the trust map at `path` declares, its key files unread; nothing where there is no file. */
export function loadTrustDeclarations(path: string): TrustDeclaration[] {
  return existsSync(path) ? parseTrustDocument(readPublicFile(path, trustBytesMax), path) : [];
}

/** What is to become of a trust map. */
export interface TrustChange {
  /** Names that go; they must be there. */
  readonly remove?: readonly string[];
  /** Entries that come, by name; names must be new, or among those that go. */
  readonly add?: Readonly<Record<string, TrustText>>;
}

function assertPossible(path: string, known: ReadonlySet<string>, { remove = [], add = {} }: TrustChange): void {
  const unknown = remove.find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw new AmoskysError("identity_invalid", `${printable(unknown)} is not in ${path}`, {
      hint: "amoskys trust list",
    });
  }
  const taken = Object.keys(add).find((name) => known.has(name) && !remove.includes(name));
  if (taken !== undefined) {
    throw new AmoskysError("identity_invalid", `${taken} is in ${path} already; nothing was changed`, {
      hint: `amoskys trust remove ${taken}`,
    });
  }
}

/**
 * Changes the trust map at `path` in one step; a map that is missing comes into being. Throws `identity_invalid` where
 * the change is not possible or the map is broken, before or after; nothing is changed then.
 */
export function changeTrustFile(path: string, change: TrustChange): void {
  replaceFile(path, (exists) => {
    const text = exists ? readPublicFile(path, trustBytesMax) : undefined;
    const before = text === undefined ? [] : parseTrustDocument(text, path);
    assertPossible(path, new Set(before.map((entry) => entry.name)), change);
    let after = text;
    for (const name of change.remove ?? []) after = removeFromTrustText(after as string, path, name);
    const { add = {} } = change;
    if (after === undefined) after = newTrustText(add);
    else if (Object.keys(add).length > 0) after = addToTrustText(after, path, add);
    parseTrustDocument(after, path);
    return after;
  });
}
