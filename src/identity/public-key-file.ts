import { existsSync, realpathSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import { bytesEqual } from "../core/bytes.ts";
import { AmoskysError } from "../core/errors.ts";
import { type IdentityPaths, prepareCertsFolder } from "./identity-home.ts";
import { readPublicFile } from "./public-file.ts";
import { formatPublicKey, parsePublicKey } from "./public-key.ts";
import { placeNewFiles } from "./staged-files.ts";

/** A public key file is 113 bytes; comments around it are not taken anyway. */
const keyBytesMax = 4096;
const publicMode = 0o644;
/** How many keys of one name a folder takes. */
const keysMax = 100;

/** Reads the public key of a PEM file. Throws `identity_invalid`, also for weak keys. */
export function loadPublicKey(path: string): Uint8Array {
  return parsePublicKey(readPublicFile(path, keyBytesMax), path);
}

/** A path inside the home as the trust map names it; undefined for one that lies elsewhere. */
function pathInHome(paths: IdentityPaths, file: string): string | undefined {
  const inside = relative(realpathSync(paths.home), realpathSync(file));
  return inside.startsWith("..") || isAbsolute(inside) ? undefined : inside;
}

/**
 * Sees to it that a public key lies in the home, and answers the path under which the trust map can name it: that of
 * `source` where it lies there already, else a new file among the certificates. Never overwrites.
 */
export function keepPublicKey(
  paths: IdentityPaths,
  name: string,
  publicKey: Uint8Array,
  source: string | undefined,
): string {
  const inside = source === undefined ? undefined : pathInHome(paths, source);
  if (inside !== undefined) return inside;
  for (let number = 1; number <= keysMax; number += 1) {
    const path = join(paths.certs, `${name}${number === 1 ? "" : `.${number}`}.ed25519.pub`);
    if (!existsSync(path)) {
      prepareCertsFolder(paths);
      placeNewFiles(paths.certs, [{ path, content: formatPublicKey(publicKey), mode: publicMode }]);
      return relative(paths.home, path);
    }
    if (bytesEqual(loadPublicKey(path), publicKey)) return relative(paths.home, path);
  }
  throw new AmoskysError("identity_invalid", `${paths.certs} holds ${keysMax} keys of ${name}; remove old ones`);
}
