import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { relative } from "node:path";
import { AmoskysError } from "../core/errors.ts";
import { printable } from "../core/escape.ts";
import { statOf } from "../core/system-error.ts";
import { type CertificateWithKey, createAuthority, isHostName, issueCertificate } from "./certificate-authority.ts";
import {
  assertNotPartial,
  finishIdentity,
  type IdentityNeeds,
  type IdentityPaths,
  identityFiles,
  identityState,
  operatorName,
  prepareCertsFolder,
} from "./identity-home.ts";
import { readPrivateFile } from "./private-file.ts";
import { readPublicFile } from "./public-file.ts";
import { formatPublicKey } from "./public-key.ts";
import { createSigner, seedBytes } from "./signer.ts";
import { type NewFile, placeNewFiles } from "./staged-files.ts";
import { isTrustName } from "./trust-document.ts";
import { newTrustText, type TrustText } from "./trust-edit.ts";

const publicMode = 0o644;
const privateMode = 0o600;
const pemBytesMax = 1 << 18;
type Authority = Parameters<typeof issueCertificate>[0];

/** The names of files that belong to no agent. */
const reserved = new Set(["ca", "server", "bus"]);

export interface InitIdentityOptions {
  /** The first agent. */
  readonly agent: string;
  /** Names and addresses under which the bus is reached, beside those of this host itself. */
  readonly hosts?: readonly string[];
  /** The wall clock in milliseconds. */
  readonly nowMs: number;
}

/** What was made; paths are absolute. */
export interface MadeIdentity {
  /** Nothing was made but what an earlier run, which broke off, had left to do. */
  readonly finished: boolean;
  readonly files: readonly string[];
}

/** Throws `usage` for a name that no agent can have. */
export function assertIdentityName(name: string): void {
  if (isTrustName(name) && /^[A-Za-z0-9]/.test(name) && !reserved.has(name)) return;
  const why = reserved.has(name)
    ? "stands for something else here"
    : "is no name: [A-Za-z0-9._-], at most 64, the first a letter or digit";
  throw new AmoskysError("usage", `"${printable(name.slice(0, 80))}" ${why}`, { hint: "amoskys certs gen web-1" });
}

/** Names that lead to the bus from its own host, and the name of that host where it can stand in a certificate. */
export function ownHosts(): string[] {
  return ["localhost", "127.0.0.1", "::1", ...[hostname()].filter(isHostName)];
}

/** The files of a certificate and its key. */
export function certificateFiles(paths: IdentityPaths, name: string, pair: CertificateWithKey): NewFile[] {
  const files = identityFiles(paths, name);
  return [
    { path: files.cert, content: pair.cert, mode: publicMode },
    { path: files.key, content: pair.key, mode: privateMode },
  ];
}

function signingKeyFiles(paths: IdentityPaths, name: string): NewFile[] {
  const files = identityFiles(paths, name);
  const seed = new Uint8Array(randomBytes(seedBytes));
  const { publicKey } = createSigner(name, seed);
  return [
    { path: files.seed, content: seed, mode: privateMode },
    { path: files.publicKey, content: formatPublicKey(publicKey), mode: publicMode },
  ];
}

/** What the trust map says of a name that was made here. */
export function trustTextFor(paths: IdentityPaths, name: string): TrustText {
  if (name === operatorName) return { permissions: ["subscribe", "status"] };
  const publicKey = relative(paths.home, identityFiles(paths, name).publicKey);
  return { public_key_path: publicKey, permissions: ["publish"] };
}

/** The new files of one name under an authority; a signing key that is there already stays. */
async function leafFiles(paths: IdentityPaths, name: string, authority: Authority, nowMs: number): Promise<NewFile[]> {
  const pair = await issueCertificate(authority, { use: "client", name }, nowMs);
  const { seed, publicKey } = identityFiles(paths, name);
  const signs = name !== operatorName && !(existsSync(seed) && existsSync(publicKey));
  return [...certificateFiles(paths, name, pair), ...(signs ? signingKeyFiles(paths, name) : [])];
}

/** The authority of a home. Throws `identity_invalid` where missing, `privilege_missing` where it may not be read. */
export function readAuthority(paths: IdentityPaths): Authority {
  const ca = identityFiles(paths, "ca");
  const missing = [ca.cert, ca.key].find((file) => !statOf(file));
  if (missing) {
    throw new AmoskysError("identity_invalid", `${missing} is missing: certificates are made where the authority is`, {
      hint: "amoskys certs init",
    });
  }
  return { cert: readPublicFile(ca.cert, pemBytesMax), key: readPrivateFile(ca.key, { bytesMax: pemBytesMax }) };
}

function assertHomeEmpty(paths: IdentityPaths, agent: string): void {
  const state = identityState(paths, { bus: true, agent });
  if (state.kind === "empty") return;
  assertNotPartial(paths, state);
  throw new AmoskysError("identity_invalid", `${paths.home} has an identity already; nothing was changed`, {
    hint: "amoskys certs list",
  });
}

/**
 * Gives a home that has nothing of an identity all of it: an authority, the server's certificate, an agent, the
 * operator, the bus's signing key and the trust map; or finishes an earlier run. Throws `identity_invalid` where
 * anything is there already; nothing is changed then.
 */
export async function initIdentity(paths: IdentityPaths, options: InitIdentityOptions): Promise<MadeIdentity> {
  const { agent, nowMs } = options;
  const hosts = [...(options.hosts ?? []), ...ownHosts()];
  assertIdentityName(agent);
  if (finishIdentity(paths)) return { finished: true, files: [] };
  if (agent === operatorName) {
    throw new AmoskysError("usage", `The first agent cannot be "${operatorName}"`, {
      hint: "amoskys certs init --agent web-1",
    });
  }
  assertHomeEmpty(paths, agent);
  const authority = await createAuthority(nowMs);
  const server = await issueCertificate(authority, { use: "server", name: "AMOSKYS bus", hosts }, nowMs);
  const agents = { [agent]: trustTextFor(paths, agent), [operatorName]: trustTextFor(paths, operatorName) };
  const files = [
    ...certificateFiles(paths, "ca", authority),
    ...certificateFiles(paths, "server", server),
    ...signingKeyFiles(paths, "bus"),
    ...(await leafFiles(paths, agent, authority, nowMs)),
    ...(await leafFiles(paths, operatorName, authority, nowMs)),
    { path: paths.trustMap, content: newTrustText(agents), mode: publicMode },
  ];
  prepareCertsFolder(paths);
  placeNewFiles(paths.certs, files);
  return { finished: false, files: files.map((file) => file.path) };
}

/**
 * Sees to it that a home has what its roles need: makes all of it where there is nothing, finishes what broke off.
 * Throws `identity_invalid` where a part is missing, or where nothing is there and no bus runs here to make it for.
 */
export async function prepareIdentity(
  paths: IdentityPaths,
  needs: IdentityNeeds,
  options: InitIdentityOptions,
): Promise<MadeIdentity | undefined> {
  const finished = finishIdentity(paths);
  const state = identityState(paths, needs);
  assertNotPartial(paths, state);
  if (state.kind === "complete") return finished ? { finished, files: [] } : undefined;
  if (needs.bus) return initIdentity(paths, options);
  const name = needs.agent ?? options.agent;
  throw new AmoskysError("identity_invalid", `${paths.home} has no identity for the agent ${name}`, {
    hint: `amoskys certs gen ${name} (on the host of the bus), then copy its files to ${paths.certs}`,
  });
}

/**
 * Makes the certificate and the signing key of one more agent, or the operator's certificate, under the authority of
 * this home; a signing key without a certificate is kept, which renews a certificate that was moved away. Throws
 * `identity_invalid` where the authority is missing or unfit, or where files of the name are there already.
 */
export async function generateIdentity(paths: IdentityPaths, name: string, nowMs: number): Promise<MadeIdentity> {
  assertIdentityName(name);
  finishIdentity(paths);
  const authority = readAuthority(paths);
  const files = await leafFiles(paths, name, authority, nowMs);
  placeNewFiles(paths.certs, files);
  return { finished: false, files: files.map((file) => file.path) };
}
