import { AmoskysError } from "../core/errors.ts";
import {
  changeTrustFile,
  type IdentityPaths,
  isTrustName,
  keepPublicKey,
  keyFingerprint,
  type LegacyForm,
  loadTrustDeclarations,
  loadTrustMap,
  type Permission,
  parsePublicKey,
  type TrustDeclaration,
  type TrustMap,
  trustTextOf,
} from "../identity/index.ts";

/** Who is to be trusted with what. */
export interface TrustAddition {
  readonly name: string;
  /** The public key in PEM, and its file where it came from one. */
  readonly key: { readonly pem: string; readonly path: string | undefined } | undefined;
  /** Default: publish. */
  readonly permissions: readonly Permission[] | undefined;
  /** Events a second; undefined or 0: no limit. */
  readonly rateLimit: number | undefined;
  readonly legacy: LegacyForm | undefined;
}

/** What became of an addition. */
export interface TrustAdded {
  readonly name: string;
  /** The file that holds the key now, as the trust map names it. */
  readonly keyPath: string | undefined;
  /** SHA-256 of the key, hex. */
  readonly fingerprint: string | undefined;
  readonly permissions: readonly Permission[];
}

/** One key for two names would make their records exchangeable in the forms of old. */
function assertNewKey(trust: TrustMap, name: string, fingerprint: string): void {
  for (const entry of trust.entries.values()) {
    if (entry.name === name || !entry.keys.some((key) => key.fingerprint === fingerprint)) continue;
    throw new AmoskysError("identity_invalid", `The key for ${name} is that of ${entry.name} already`, {
      hint: `amoskys certs gen ${name}`,
    });
  }
}

function assertAddable(paths: IdentityPaths, { name, key, permissions, legacy }: TrustAddition): void {
  if (!isTrustName(name)) {
    throw new AmoskysError("usage", "The name must match [A-Za-z0-9._-], at most 64 characters", {
      hint: "amoskys trust add web-1 --key web-1.ed25519.pub",
    });
  }
  if (!key && (permissions ?? ["publish"]).includes("publish") && legacy !== "unsigned") {
    throw new AmoskysError("usage", `${name} may publish, so its public key is needed`, {
      hint: `amoskys trust add ${name} --key ${name}.ed25519.pub`,
    });
  }
  if (loadTrustDeclarations(paths.trustMap).some((entry) => entry.name === name)) {
    throw new AmoskysError("identity_invalid", `${name} is in ${paths.trustMap} already; nothing was changed`, {
      hint: `amoskys trust remove ${name}`,
    });
  }
}

/** The trust map of a home, empty where there is none yet. Throws `identity_invalid` where it is broken. */
export function loadHomeTrust(paths: IdentityPaths): TrustMap | undefined {
  return loadTrustDeclarations(paths.trustMap).length === 0
    ? undefined
    : loadTrustMap(paths.trustMap, { home: paths.home });
}

/** Adds a name to the trust map. Throws `identity_invalid` where it is there, or its key is weak or another's. */
export function addTrust(paths: IdentityPaths, addition: TrustAddition): TrustAdded {
  const { name, key, rateLimit, legacy } = addition;
  assertAddable(paths, addition);
  const permissions = addition.permissions ?? ["publish"];
  const never = { notBeforeMs: undefined, notAfterMs: undefined, revokedAtMs: undefined };
  let keyPath: string | undefined;
  let fingerprint: string | undefined;
  if (key) {
    const publicKey = parsePublicKey(key.pem, key.path ?? "The key");
    fingerprint = keyFingerprint(publicKey);
    const trust = loadHomeTrust(paths);
    if (trust) assertNewKey(trust, name, fingerprint);
    keyPath = keepPublicKey(paths, name, publicKey, key.path);
  }
  const declaration: TrustDeclaration = {
    name,
    keys: keyPath === undefined ? [] : [{ path: keyPath, ...never }],
    permissions: new Set(permissions),
    rateLimit: rateLimit || undefined,
    legacy,
    ...never,
  };
  changeTrustFile(paths.trustMap, { add: { [name]: trustTextOf(declaration) } });
  return { name, keyPath, fingerprint, permissions };
}

/** Takes a name out of the trust map; its key file stays. Throws `identity_invalid` where it is not there. */
export function removeTrust(paths: IdentityPaths, name: string): void {
  changeTrustFile(paths.trustMap, { remove: [name] });
}
