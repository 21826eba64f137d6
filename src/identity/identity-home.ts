import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { AmoskysError } from "../core/errors.ts";
import { finishPendingFiles, hasPendingFiles } from "./staged-files.ts";

/** Where the identity files of a home are; absolute. */
export interface IdentityPaths {
  readonly home: string;
  /** The folder of certificates and keys. */
  readonly certs: string;
  readonly trustMap: string;
}

/** What a role needs to be there. */
export interface IdentityNeeds {
  /** The bus: authority, server certificate and key, trust map. */
  readonly bus: boolean;
  /** An agent by this name: authority, certificate and key, signing key. */
  readonly agent: string | undefined;
}

/** Whether a home has nothing of an identity, all that is needed, or a part of it. */
export type IdentityState =
  | { readonly kind: "empty" | "complete" }
  | { readonly kind: "partial"; readonly missing: readonly string[]; readonly hint: string };

/** The name of the certificate with which people look at the bus; it has no signing key. */
export const operatorName = "operator";

const othersAndGroupWrite = 0o022;
const identityFile = /\.(crt|key|ed25519|ed25519\.pub)$/;

/** The usual places of a home, and others where they are given (relative ones start at the home). */
export function identityPaths(home: string, places: { certs?: string; trustMap?: string } = {}): IdentityPaths {
  return {
    home: resolve(home),
    certs: resolve(home, places.certs ?? "certs"),
    trustMap: resolve(home, places.trustMap ?? join("config", "trust_map.yaml")),
  };
}

/** The files of one name in the folder of certificates. */
export function identityFiles(paths: IdentityPaths, name: string) {
  const file = (ending: string) => join(paths.certs, name + ending);
  return { cert: file(".crt"), key: file(".key"), seed: file(".ed25519"), publicKey: file(".ed25519.pub") };
}

/** Makes the folder of certificates, for us alone; takes writing from others where it was theirs too. */
export function prepareCertsFolder(paths: IdentityPaths): void {
  mkdirSync(dirname(paths.certs), { recursive: true });
  mkdirSync(paths.certs, { recursive: true, mode: 0o700 });
  const { mode, uid } = statSync(paths.certs);
  if ((mode & othersAndGroupWrite) !== 0 && uid === process.geteuid?.()) {
    chmodSync(paths.certs, mode & 0o7777 & ~othersAndGroupWrite);
  }
}

/** Finishes what a making of files that broke off had decided; answers whether there was any. */
export function finishIdentity(paths: IdentityPaths): boolean {
  if (!hasPendingFiles(paths.certs)) return false;
  finishPendingFiles(paths.certs);
  return true;
}

function neededFiles(paths: IdentityPaths, needs: IdentityNeeds): string[] {
  const files = [identityFiles(paths, "ca").cert];
  if (needs.bus) {
    const server = identityFiles(paths, "server");
    files.push(server.cert, server.key, paths.trustMap);
  }
  if (needs.agent !== undefined) {
    const agent = identityFiles(paths, needs.agent);
    files.push(agent.cert, agent.key, agent.seed);
  }
  return files;
}

/** The one agent whose certificate and keys are here, where there is just one. */
function otherAgent(paths: IdentityPaths): string | undefined {
  const names = readdirSync(paths.certs).flatMap((file) => (file.endsWith(".ed25519") ? [file.slice(0, -8)] : []));
  const agents = names.filter((name) => name !== "bus" && existsSync(identityFiles(paths, name).cert));
  return agents.length === 1 ? agents[0] : undefined;
}

function hintFor(paths: IdentityPaths, needs: IdentityNeeds, missing: readonly string[]): string {
  if (hasPendingFiles(paths.certs)) return "amoskys certs init (finishes what broke off)";
  const agent = needs.agent === undefined ? undefined : identityFiles(paths, needs.agent);
  if (missing.length === 1 && missing[0] === paths.trustMap && agent) {
    return `amoskys trust add ${needs.agent} --key ${relative(paths.home, agent.publicKey)}`;
  }
  const other = agent && missing.length === 3 ? otherAgent(paths) : undefined;
  if (other && !needs.bus) return `set agent.name to ${other} in config/amoskys.yaml: its certificate is here`;
  const agentOnly = agent !== undefined && missing.every((file) => Object.values(agent).includes(file));
  if (agentOnly && missing.length === 3 && existsSync(identityFiles(paths, "ca").key)) {
    return `amoskys certs gen ${needs.agent}`;
  }
  return `put the missing files back, or move ${paths.certs} and ${paths.trustMap} away and run: amoskys certs init`;
}

/** Looks at what a home has of what is needed, without reading any of it. */
export function identityState(paths: IdentityPaths, needs: IdentityNeeds): IdentityState {
  const present = existsSync(paths.certs) ? readdirSync(paths.certs).filter((name) => identityFile.test(name)) : [];
  const pending = hasPendingFiles(paths.certs);
  if (present.length === 0 && !existsSync(paths.trustMap) && !pending) return { kind: "empty" };
  const missing = neededFiles(paths, needs).filter((file) => !existsSync(file));
  if (missing.length === 0 && !pending) return { kind: "complete" };
  return { kind: "partial", missing, hint: hintFor(paths, needs, missing) };
}

/** Throws `identity_invalid` where a part of a home's identity is missing. */
export function assertNotPartial(paths: IdentityPaths, state: IdentityState): void {
  if (state.kind !== "partial") return;
  const names = state.missing.map((file) => relative(paths.home, file)).join(", ");
  const what = names === "" ? "was not finished" : `is not whole: ${names} missing`;
  throw new AmoskysError("identity_invalid", `The identity of ${paths.home} ${what}`, { hint: state.hint });
}
