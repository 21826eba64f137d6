import { randomBytes, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type * as peculiar from "@peculiar/x509";
import { AmoskysError } from "../core/errors.ts";
import { printable } from "../core/escape.ts";
import { certificateDates, outOfDate, parsePrivateKey, weakCertificateKey } from "./tls-material.ts";

const dayMs = 86_400_000;
const authorityDays = 3650;
/** The longest that browsers and Apple's platforms took for a server when they still took that long. */
const leafDays = 825;
/** Clocks of other hosts may be behind. */
const backdateMs = 3_600_000;

const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A certificate and its private key (PKCS #8), both PEM. */
export interface CertificateWithKey {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate under an authority is for. */
export type LeafRequest =
  | { readonly use: "client"; readonly name: string }
  | { readonly use: "server"; readonly name: string; readonly hosts: readonly string[] };

type X509 = typeof peculiar;

/** The library that writes certificates; only commands that make some wait for it. */
async function loadX509(): Promise<X509> {
  await import("reflect-metadata");
  return import("@peculiar/x509");
}

/** A positive number of 16 bytes, 126 bits of it random (RFC 5280, section 4.1.2.2, allows at most 20 bytes). */
function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40;
  return bytes.toString("hex");
}

function pem(label: string, der: ArrayBuffer): string {
  const lines = Buffer.from(der)
    .toString("base64")
    .replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

async function withKey(certificate: peculiar.X509Certificate, key: CryptoKey): Promise<CertificateWithKey> {
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", key);
  return { cert: pem("CERTIFICATE", certificate.rawData), key: pem("PRIVATE KEY", pkcs8) };
}

function generateKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
}

/** A certificate authority of our own: ECDSA P-256, self-signed, issues leaves only, ten years. */
export async function createAuthority(nowMs: number): Promise<CertificateWithKey> {
  const x509 = await loadX509();
  const keys = await generateKeys();
  const usages = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    // two authorities with one name would be taken for each other while a chain is built
    name: [{ CN: [`AMOSKYS CA ${randomBytes(4).toString("hex")}`] }],
    notBefore: new Date(nowMs - backdateMs),
    notAfter: new Date(nowMs + authorityDays * dayMs),
    signingAlgorithm: ecdsa,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(usages, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return withKey(certificate, keys.privateKey);
}

/** WebCrypto's names of the curves that an authority made elsewhere may use, and the hash that fits each. */
const authorityCurves: Readonly<Record<string, { namedCurve: string; hash: string }>> = {
  prime256v1: { namedCurve: "P-256", hash: "SHA-256" },
  secp384r1: { namedCurve: "P-384", hash: "SHA-384" },
  secp521r1: { namedCurve: "P-521", hash: "SHA-512" },
};

/** How an authority signs: its key as WebCrypto wants it, with the algorithm. */
async function authoritySigner(authority: X509Certificate, keyPem: string | Uint8Array) {
  const key = parsePrivateKey(keyPem, "The authority's key");
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const weak = weakCertificateKey(authority);
  const why = weak ? `certificate ${weak}` : "key does not belong to its certificate";
  if (weak || !authority.checkPrivateKey(key)) {
    throw new AmoskysError("identity_invalid", `The authority's ${why}`, { hint: "amoskys certs check" });
  }
  const curve = authorityCurves[details?.namedCurve ?? ""];
  const algorithm =
    type === "ec" && curve
      ? { name: "ECDSA", ...curve }
      : { name: type === "rsa" ? "RSASSA-PKCS1-v1_5" : "Ed25519", hash: "SHA-256" };
  const der = key.export({ format: "der", type: "pkcs8" });
  return { key: await crypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]), algorithm };
}

const label = /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/;

/** Whether a text can stand in a certificate as a DNS name, also one of a wildcard. */
export function isHostName(host: string): boolean {
  return (
    host.length <= 253 &&
    host
      .replace(/^\*\./, "")
      .split(".")
      .every((each) => label.test(each))
  );
}

/** Names and addresses of a server; what is neither is a `usage` error. */
function alternativeNames(x509: X509, hosts: readonly string[]): peculiar.SubjectAlternativeNameExtension {
  const names = Array.from(new Set(hosts), (host): peculiar.JsonGeneralName => {
    if (isIP(host) !== 0) return { type: "ip", value: host };
    if (isHostName(host)) return { type: "dns", value: host };
    throw new AmoskysError("usage", `"${printable(host)}" is no host name and no IP address`, {
      hint: "amoskys certs init --host bus.example.org --host 192.0.2.10",
    });
  });
  return new x509.SubjectAlternativeNameExtension(names);
}

/** The name of the authority's key as the authority itself writes it, where it does. */
async function authorityKeyIdentifier(
  x509: X509,
  issuer: peculiar.X509Certificate,
): Promise<peculiar.AuthorityKeyIdentifierExtension> {
  const own = issuer.getExtension(x509.SubjectKeyIdentifierExtension);
  return own
    ? new x509.AuthorityKeyIdentifierExtension(own.keyId)
    : x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey);
}

/**
 * Issues a certificate with a new ECDSA P-256 key under an authority, of ours or made elsewhere. Throws
 * `identity_invalid` where the authority's pair does not fit, is weak or out of date.
 */
export async function issueCertificate(
  authority: { readonly cert: string; readonly key: string | Uint8Array },
  request: LeafRequest,
  nowMs: number,
): Promise<CertificateWithKey> {
  const x509 = await loadX509();
  const issuer = new X509Certificate(authority.cert);
  const late = outOfDate(issuer, nowMs);
  if (late) throw new AmoskysError("identity_invalid", `The authority's certificate ${late}`);
  const signer = await authoritySigner(issuer, authority.key);
  const parsedIssuer = new x509.X509Certificate(authority.cert);
  const keys = await generateKeys();
  const { notBeforeMs, notAfterMs } = certificateDates(issuer);
  const use = request.use === "client" ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    subject: [{ CN: [request.name] }],
    issuer: parsedIssuer.subjectName,
    notBefore: new Date(Math.max(nowMs - backdateMs, notBeforeMs)),
    notAfter: new Date(Math.min(nowMs + leafDays * dayMs, notAfterMs)),
    publicKey: keys.publicKey,
    signingKey: signer.key,
    signingAlgorithm: signer.algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([use]),
      ...(request.use === "server" ? [alternativeNames(x509, request.hosts)] : []),
      await authorityKeyIdentifier(x509, parsedIssuer),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return withKey(certificate, keys.privateKey);
}
