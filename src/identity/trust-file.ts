import { basename, dirname, resolve } from "node:path";
import { AmoskysError } from "../core/errors.ts";
import { sha256 } from "../core/hashes.ts";
import { readPublicFile } from "./public-file.ts";
import { keyFingerprint } from "./public-key.ts";
import { loadPublicKey } from "./public-key-file.ts";
import { type DeclaredKey, parseTrustDocument, TrustProblems } from "./trust-document.ts";
import { type TrustEntry, type TrustedKey, TrustMap } from "./trust-map.ts";

const trustBytesMax = 1 << 20;

export interface LoadTrustMapOptions {
  /** Where relative key paths start. Default: the folder above a folder `config`, else the file's own. */
  readonly home?: string | undefined;
}

/** A trust map and what it was made of. */
export interface TrustFile {
  readonly map: TrustMap;
  /** The map's file and every key file, absolute. */
  readonly files: readonly string[];
  /** SHA-256 over all that the map was made of: the same exactly where nothing changed. */
  readonly digest: string;
}

/** Where the relative key paths of a trust map start. */
export function trustHome(path: string): string {
  const folder = dirname(resolve(path));
  return basename(folder) === "config" ? dirname(folder) : folder;
}

/** Reads a trust map whole, key files included. Throws `identity_invalid` where anything of it is missing or wrong. */
export function readTrustFile(path: string, options: LoadTrustMapOptions = {}): TrustFile {
  const text = readPublicFile(path, trustBytesMax);
  const home = options.home ?? trustHome(path);
  const problems = new TrustProblems();
  const files = [resolve(path)];
  const digests = [sha256(Buffer.from(text))];
  const loadKey = (declared: DeclaredKey, name: string): TrustedKey[] => {
    const file = resolve(home, declared.path);
    try {
      const publicKey = loadPublicKey(file);
      files.push(file);
      digests.push(publicKey);
      return [{ ...declared, publicKey, fingerprint: keyFingerprint(publicKey) }];
    } catch (caught) {
      const error = AmoskysError.from(caught);
      if (error.code === "privilege_missing") throw error;
      problems.add(`agents.${name}:`, error.message);
      return [];
    }
  };
  const entries = parseTrustDocument(text, path).map(
    (entry): TrustEntry => ({ ...entry, keys: entry.keys.flatMap((key) => loadKey(key, entry.name)) }),
  );
  problems.throwIfAny(path);
  return { map: new TrustMap(entries), files, digest: Buffer.from(sha256(...digests)).toString("hex") };
}

/**
 * Loads a trust map. Fails closed: a map that is missing or broken, or of which one key file is, throws
 * `identity_invalid` with every problem at once.
 */
export function loadTrustMap(path: string, options: LoadTrustMapOptions = {}): TrustMap {
  return readTrustFile(path, options).map;
}
