import { existsSync } from "node:fs";
import { AmoskysError } from "../core/errors.ts";
import {
  assertIdentityName,
  changeTrustFile,
  generateIdentity,
  type IdentityPaths,
  identityFiles,
  keyFingerprint,
  loadPublicKey,
  loadTrustDeclarations,
  loadTrustMap,
  type MadeIdentity,
  trustTextFor,
} from "../identity/index.ts";

/** What `certs gen` made. */
export interface GeneratedIdentity extends MadeIdentity {
  /** Whether the trust map of this home knows the name now; false where there is no trust map. */
  readonly trusted: boolean;
}

/** Whether the trust map knows the name already, with the signing key that lies here. */
function isTrustedAlready(paths: IdentityPaths, name: string): boolean {
  const declared = loadTrustDeclarations(paths.trustMap).find((entry) => entry.name === name);
  if (!declared) return false;
  const { publicKey } = identityFiles(paths, name);
  const keys = loadTrustMap(paths.trustMap, { home: paths.home }).entries.get(name)?.keys ?? [];
  if (keys.length === 0 && declared.keys.length === 0) return true;
  const own = existsSync(publicKey) ? keyFingerprint(loadPublicKey(publicKey)) : undefined;
  if (keys.some((key) => key.fingerprint === own)) return true;
  throw new AmoskysError("identity_invalid", `${name} is in ${paths.trustMap} already, with another key`, {
    hint: `amoskys trust remove ${name}`,
  });
}

/**
 * Makes certificate and signing key of one more agent and enters it into the trust map, where this home has one. An
 * agent that is trusted already and whose certificate was moved away gets a new certificate alone.
 */
export async function generateCertificate(
  paths: IdentityPaths,
  name: string,
  nowMs: number,
): Promise<GeneratedIdentity> {
  assertIdentityName(name);
  const trusted = isTrustedAlready(paths, name);
  const made = await generateIdentity(paths, name, nowMs);
  if (trusted || !existsSync(paths.trustMap)) return { ...made, trusted };
  changeTrustFile(paths.trustMap, { add: { [name]: trustTextFor(paths, name) } });
  return { ...made, trusted: true };
}
