import type { X509Certificate } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { AmoskysError } from "../core/errors.ts";
import { printable } from "../core/escape.ts";
import { readPrivateFile } from "./private-file.ts";
import { readPublicFile } from "./public-file.ts";
import { keyFingerprint } from "./public-key.ts";
import { loadPublicKey } from "./public-key-file.ts";
import { hostsOf } from "./server-hosts.ts";
import { createSigner, seedBytes } from "./signer.ts";
import { certificateDates, outOfDate, parseCertificates, parsePrivateKey, weakCertificateKey } from "./tls-material.ts";

const pemBytesMax = 1 << 18;
const clientAuth = "1.3.6.1.5.5.7.3.2";
const serverAuth = "1.3.6.1.5.5.7.3.1";

/** What a certificate may be used for; `any` where it does not say. */
export type CertificateUse = "authority" | "server" | "client" | "any";

/** What there is to know of one certificate file and the keys beside it. */
export interface CertificateFacts {
  /** The file's name without `.crt`. */
  readonly name: string;
  readonly path: string;
  /** The certificate's one common name; undefined: none, or several. */
  readonly commonName: string | undefined;
  readonly use: CertificateUse;
  /** The names and addresses it is for; clients have none. */
  readonly hosts: readonly string[];
  readonly issuer: string;
  readonly serial: string;
  /** SHA-256 of the certificate, upper-case hex with colons. */
  readonly fingerprint: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Whether the private key lies beside it. */
  readonly hasKey: boolean;
  /** Fingerprint of the signing key beside it, if one is there. */
  readonly signingKey: string | undefined;
  /** What is wrong, each a sentence about this certificate. */
  readonly problems: readonly string[];
}

export interface ListCertificatesOptions {
  /** The wall clock in milliseconds, against which dates are judged. */
  readonly nowMs: number;
  /** Lets the group of key files read them; default false. */
  readonly allowGroupRead?: boolean | undefined;
}

/** The value of the one CN of a subject as the runtime writes it, a line for each part. */
function commonNameOf(certificate: X509Certificate): string | undefined {
  const names = (certificate.subject ?? "").split("\n").filter((line) => line.startsWith("CN="));
  return names.length === 1 ? (names[0] as string).slice(3) : undefined;
}

function useOf(certificate: X509Certificate): CertificateUse {
  if (certificate.ca) return "authority";
  // the runtime calls the extended key usage so
  const uses = (certificate.keyUsage ?? []) as readonly string[];
  const [client, server] = [uses.includes(clientAuth), uses.includes(serverAuth)];
  if (client === server) return "any";
  return client ? "client" : "server";
}

/** Whether a chain of signatures leads from a certificate through `between` to one of the authorities. */
function chainHolds(
  leaf: X509Certificate,
  between: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
): boolean {
  let current = leaf;
  for (let depth = 0; depth <= between.length; depth += 1) {
    const issued = (issuer: X509Certificate) => current.checkIssued(issuer) && current.verify(issuer.publicKey);
    if (authorities.some(issued)) return true;
    const next = between.find(issued);
    if (!next) return false;
    current = next;
  }
  return false;
}

/** What `check` finds wrong, as text; undefined where it finds nothing. */
function problemOf(check: () => string | undefined): string | undefined {
  try {
    return check();
  } catch (caught) {
    return AmoskysError.from(caught).message;
  }
}

/** The fingerprint of the signing key of this name, and what is wrong with its files. */
function signingKeyFacts(
  seedPath: string,
  name: string,
  allowGroupRead: boolean | undefined,
): { signingKey: string | undefined; problem: string | undefined } {
  const publicPath = `${seedPath}.pub`;
  let signingKey: string | undefined;
  const problem = problemOf(() => {
    if (existsSync(publicPath)) signingKey = keyFingerprint(loadPublicKey(publicPath));
    if (!existsSync(seedPath)) return undefined;
    const seed = readPrivateFile(seedPath, { bytesMax: seedBytes, allowGroupRead });
    const own = keyFingerprint(createSigner(name, seed).publicKey);
    if (signingKey !== undefined && own !== signingKey) return `${seedPath} and ${publicPath} are no pair`;
    signingKey = own;
    return undefined;
  });
  return { signingKey, problem };
}

function certificateFacts(
  path: string,
  authorities: readonly X509Certificate[],
  { nowMs, allowGroupRead }: ListCertificatesOptions,
): CertificateFacts {
  const [leaf, ...between] = parseCertificates(readPublicFile(path, pemBytesMax), path) as [X509Certificate];
  const name = basename(path, ".crt");
  const stem = join(dirname(path), name);
  const hasKey = existsSync(`${stem}.key`);
  const { signingKey, problem } = signingKeyFacts(`${stem}.ed25519`, name, allowGroupRead);
  const isAuthority = authorities.some((authority) => authority.fingerprint256 === leaf.fingerprint256);
  const problems = [
    outOfDate(leaf, nowMs),
    weakCertificateKey(leaf),
    isAuthority || chainHolds(leaf, between, authorities) ? undefined : "was not issued by the authority in ca.crt",
    problemOf(() => {
      if (!hasKey) return name === "server" ? "has no key beside it" : undefined;
      const key = readPrivateFile(`${stem}.key`, { bytesMax: pemBytesMax, allowGroupRead });
      return leaf.checkPrivateKey(parsePrivateKey(key, `${stem}.key`)) ? undefined : `does not fit ${stem}.key`;
    }),
    problem,
  ];
  return {
    name,
    path,
    commonName: commonNameOf(leaf),
    use: isAuthority ? "authority" : useOf(leaf),
    hosts: hostsOf(leaf),
    issuer: printable(leaf.issuer.replaceAll("\n", ", ")),
    serial: leaf.serialNumber,
    fingerprint: leaf.fingerprint256,
    ...certificateDates(leaf),
    hasKey,
    signingKey,
    problems: problems.filter((each) => each !== undefined),
  };
}

/** A certificate file that cannot be read, as far as it is known. */
function unreadable(path: string, caught: unknown): CertificateFacts {
  return {
    name: basename(path, ".crt"),
    path,
    commonName: undefined,
    use: "any",
    hosts: [],
    issuer: "",
    serial: "",
    fingerprint: "",
    notBeforeMs: Number.NaN,
    notAfterMs: Number.NaN,
    hasKey: false,
    signingKey: undefined,
    problems: [AmoskysError.from(caught).message],
  };
}

/** Every certificate (`*.crt`) of a folder, the authority first, each with what is wrong with it and its keys. */
export function listCertificates(folder: string, options: ListCertificatesOptions): CertificateFacts[] {
  if (!existsSync(folder)) return [];
  const paths = readdirSync(folder)
    .filter((name) => name.endsWith(".crt"))
    .sort((a, b) => Number(b === "ca.crt") - Number(a === "ca.crt") || a.localeCompare(b))
    .map((name) => join(folder, name));
  let authorities: X509Certificate[] = [];
  const caPath = join(folder, "ca.crt");
  if (existsSync(caPath)) {
    try {
      authorities = parseCertificates(readPublicFile(caPath, pemBytesMax), caPath);
    } catch {
      // the file's own facts say what is wrong with it
    }
  }
  return paths.map((path) => {
    try {
      return certificateFacts(path, authorities, options);
    } catch (caught) {
      return unreadable(path, caught);
    }
  });
}
