import { relative } from "node:path";
import { isAgentName } from "../core/agent-name.ts";
import { AmoskysError } from "../core/errors.ts";
import { statOf } from "../core/system-error.ts";
import {
  type CertificateFacts,
  hasPendingFiles,
  type IdentityPaths,
  identityFiles,
  listCertificates,
  loadTrustMap,
  operatorName,
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
  /** It harms nothing that runs here: it is told, and nothing fails by it. */
  readonly isWarning: boolean;
}

type Verdict = Omit<IdentityProblem, "about">;

function problem(what: string, hint?: string): Verdict {
  return { problem: what, hint, isWarning: false };
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
  /** The agent that runs here; default `agent`. It and the operator have to be trusted. */
  readonly agent?: string | undefined;
  /** Whether the configuration says that a bus runs here, which needs its certificate. */
  readonly hasBus?: boolean | undefined;
  /** The bus's certificate, where it is not `server.crt` of the folder. */
  readonly serverCert?: string | undefined;
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
  { nowMs, agent = "agent" }: CheckOptions,
): Verdict | undefined {
  const { commonName: name, signingKey } = facts;
  if (!isAgentName(name)) return problem("has no single common name that is an agent's name");
  const publicKey = relative(paths.home, identityFiles(paths, facts.name).publicKey);
  const add = signingKey
    ? `amoskys trust add ${name} --key ${publicKey}`
    : `amoskys trust add ${name} --permit subscribe,status`;
  if (!entry) {
    const untrusted = problem(`names ${name}, which is not in the trust map`, add);
    // it was taken out, or belongs to another bus: who is meant to be refused is refused
    return { ...untrusted, isWarning: name !== agent && name !== operatorName };
  }
  const held = validityAt(entry, nowMs);
  if (held !== "valid") return problem(`names ${name}, whose trust entry is ${words[held]}`);
  if (signingKey === undefined || entry.keys.some((key) => key.fingerprint === signingKey)) return undefined;
  const hint = `amoskys trust remove ${name}, then: ${add}`;
  return problem(`names ${name}, whose signing key here is not the one in the trust map`, hint);
}

function endsSoon(facts: CertificateFacts, nowMs: number): Verdict | undefined {
  const days = Math.floor((facts.notAfterMs - nowMs) / dayMs);
  if (!(days >= 0 && days < soonDays)) return undefined;
  const renew = `mv ${facts.name}.crt and ${facts.name}.key away, then: amoskys certs gen ${facts.name}`;
  const server = facts.name === "server" ? renewServer : undefined;
  return problem(`ends in ${days} days`, isAgentCertificate(facts) ? renew : server);
}

const renewServer = "amoskys certs gen server --replace";

/** A home that can make certificates, or has the bus's key, or is to run the bus, needs the bus's certificate. */
function missingServer(paths: IdentityPaths, { hasBus, serverCert }: CheckOptions): Verdict | undefined {
  const server = identityFiles(paths, "server");
  const hasAuthority = statOf(identityFiles(paths, "ca").key) !== undefined;
  if (statOf(serverCert ?? server.cert)) return undefined;
  if (!hasBus && !hasAuthority && !statOf(server.key)) return undefined;
  const hint = hasAuthority ? renewServer : "put it back, or, where no bus runs here, set up.roles without bus";
  return problem("is missing: the bus cannot start", hint);
}

/** Problems of the home as a whole, and its trust map if that can be read. */
function homeProblems(paths: IdentityPaths, found: readonly CertificateFacts[], options: CheckOptions) {
  const problems: IdentityProblem[] = [];
  const add = (about: string, verdict: Verdict) => problems.push({ about, ...verdict });
  let trust: TrustMap | undefined;
  if (hasPendingFiles(paths.certs)) add(paths.certs, problem("holds a change that broke off", "amoskys certs init"));
  if (found.length === 0) {
    add(paths.certs, problem("holds no certificates", "amoskys certs init"));
    return { problems, trust };
  }
  if (!found.some((facts) => facts.name === "ca")) {
    add(paths.certs, problem("holds no ca.crt", "copy ca.crt there from the host of the bus"));
  }
  const noServer = missingServer(paths, options);
  if (noServer) add("server.crt", noServer);
  // a home without a server's certificate is an agent's, which needs no trust map
  if (statOf(paths.trustMap) || noServer || found.some((facts) => facts.name === "server")) {
    try {
      trust = loadTrustMap(paths.trustMap, { home: paths.home });
    } catch (caught) {
      const { message, hint } = AmoskysError.from(caught);
      add("trust map", problem(message, hint));
    }
  }
  return { problems, trust };
}

/** The first of the problems that something fails by, and how many more there are; undefined where there is none. */
export function firstProblem({ problems }: CertificateReport) {
  const [first, ...more] = problems.filter(({ isWarning }) => !isWarning);
  return first && { ...first, more: more.length };
}

/** Lists the certificates of a home and everything that is wrong with them, their keys and the trust map. */
export function checkCertificates(paths: IdentityPaths, options: CheckOptions): CertificateReport {
  const found = listCertificates(paths.certs, options);
  const { problems, trust } = homeProblems(paths, found, options);
  const certificates = found.map((facts): ListedCertificate => {
    const about = `${facts.name}.crt`;
    problems.push(...facts.problems.map((each) => ({ about, ...problem(each) })));
    const soon = endsSoon(facts, options.nowMs);
    if (soon) problems.push({ about, ...soon });
    if (!trust || !isAgentCertificate(facts)) return { ...facts, trusted: undefined };
    const distrust = trustProblem(paths, facts, trust.entries.get(facts.commonName ?? ""), options);
    if (distrust) problems.push({ about, ...distrust });
    return { ...facts, trusted: distrust === undefined };
  });
  return { certificates, problems };
}
