import { existsSync } from "node:fs";
import { relative } from "node:path";
import { isAgentName } from "../core/agent-name.ts";
import { AmoskysError } from "../core/errors.ts";
import {
  type CertificateFacts,
  hasPendingFiles,
  type IdentityPaths,
  identityFiles,
  listCertificates,
  loadTrustMap,
  type TrustEntry,
  type TrustMap,
  validityAt,
} from "../identity/index.ts";

const dayMs = 86_400_000;
/** A certificate that ends within this time is a problem already. */
const soonDays = 30;

/** One thing that is wrong, and what mends it. */
export interface IdentityProblem {
  /** The certificate or file it is about. */
  readonly about: string;
  readonly problem: string;
  readonly hint: string | undefined;
}

/** A certificate as `certs list` shows it. */
export interface ListedCertificate extends CertificateFacts {
  /** Whether the trust map lets this name in now; undefined where the question does not arise. */
  readonly trusted: boolean | undefined;
}

export interface CertificateReport {
  readonly certificates: readonly ListedCertificate[];
  readonly problems: readonly IdentityProblem[];
}

export interface CheckOptions {
  /** The wall clock in milliseconds. */
  readonly nowMs: number;
  /** Lets the group of key files read them; default false. */
  readonly allowGroupRead?: boolean | undefined;
}

const words = { early: "not in force yet", expired: "over", revoked: "revoked" } as const;

function isAgentCertificate(facts: CertificateFacts): boolean {
  return facts.use === "client" || (facts.use === "any" && facts.name !== "server");
}

/** Why the trust map does not let the owner of a certificate in, if so. */
function trustProblem(
  paths: IdentityPaths,
  facts: CertificateFacts,
  entry: TrustEntry | undefined,
  nowMs: number,
): Omit<IdentityProblem, "about"> | undefined {
  const { commonName: name, signingKey } = facts;
  if (!isAgentName(name)) return { problem: "has no single common name that is an agent's name", hint: undefined };
  const publicKey = relative(paths.home, identityFiles(paths, facts.name).publicKey);
  const add = signingKey
    ? `amoskys trust add ${name} --key ${publicKey}`
    : `amoskys trust add ${name} --permit subscribe,status`;
  if (!entry) return { problem: `names ${name}, which is not in the trust map`, hint: add };
  const held = validityAt(entry, nowMs);
  if (held !== "valid") return { problem: `names ${name}, whose trust entry is ${words[held]}`, hint: undefined };
  if (signingKey === undefined || entry.keys.some((key) => key.fingerprint === signingKey)) return undefined;
  const hint = `amoskys trust remove ${name}, then: ${add}`;
  return { problem: `names ${name}, whose signing key here is not the one in the trust map`, hint };
}

function endsSoon(facts: CertificateFacts, nowMs: number): Omit<IdentityProblem, "about"> | undefined {
  const days = Math.floor((facts.notAfterMs - nowMs) / dayMs);
  if (!(days >= 0 && days < soonDays)) return undefined;
  const renew = `mv ${facts.name}.crt and ${facts.name}.key away, then: amoskys certs gen ${facts.name}`;
  return { problem: `ends in ${days} days`, hint: isAgentCertificate(facts) ? renew : undefined };
}

/** Problems of the home as a whole, and its trust map if that can be read. */
function homeProblems(paths: IdentityPaths, found: readonly CertificateFacts[]) {
  const problems: IdentityProblem[] = [];
  let trust: TrustMap | undefined;
  if (hasPendingFiles(paths.certs)) {
    problems.push({ about: paths.certs, problem: "holds a change that broke off", hint: "amoskys certs init" });
  }
  if (found.length === 0) {
    problems.push({ about: paths.certs, problem: "holds no certificates", hint: "amoskys certs init" });
  } else if (!found.some((facts) => facts.name === "ca")) {
    problems.push({ about: paths.certs, problem: "holds no ca.crt", hint: undefined });
  }
  // a home without a server's certificate is an agent's, which needs no trust map
  if (existsSync(paths.trustMap) || found.some((facts) => facts.name === "server")) {
    try {
      trust = loadTrustMap(paths.trustMap, { home: paths.home });
    } catch (caught) {
      const { message, hint } = AmoskysError.from(caught);
      problems.push({ about: "trust map", problem: message, hint });
    }
  }
  return { problems, trust };
}

/** Lists the certificates of a home and everything that is wrong with them, their keys and the trust map. */
export function checkCertificates(paths: IdentityPaths, options: CheckOptions): CertificateReport {
  const found = listCertificates(paths.certs, options);
  const { problems, trust } = homeProblems(paths, found);
  const certificates = found.map((facts): ListedCertificate => {
    const about = `${facts.name}.crt`;
    problems.push(...facts.problems.map((problem) => ({ about, problem, hint: undefined })));
    const soon = endsSoon(facts, options.nowMs);
    if (soon) problems.push({ about, ...soon });
    if (!trust || !isAgentCertificate(facts)) return { ...facts, trusted: undefined };
    const distrust = trustProblem(paths, facts, trust.entries.get(facts.commonName ?? ""), options.nowMs);
    if (distrust) problems.push({ about, ...distrust });
    return { ...facts, trusted: distrust === undefined };
  });
  return { certificates, problems };
}
