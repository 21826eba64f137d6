import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { AmoskysError } from "../core/errors.ts";
import { readPrivateFile } from "./private-file.ts";
import { readPublicFile } from "./public-file.ts";

/** PEM texts for one side of a TLS connection. */
export interface TlsMaterial {
  /** Certificates of the authorities that the other side's certificate may come from. */
  readonly ca: string;
  /** The certificate of this side, with those between it and its authority behind it. */
  readonly cert: string;
  readonly key: string;
}

export interface TlsPaths {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface LoadTlsOptions {
  /** Lets the key's group read it (Kubernetes secrets with an fsGroup); default false. */
  readonly allowGroupRead?: boolean | undefined;
  /** The wall clock in milliseconds, against which dates are judged. */
  readonly nowMs: number;
}

const pemBytesMax = 1 << 18;
/** What NIST SP 800-131A and the first generation's keys agree on. */
const rsaBitsMin = 2048;
const curves = ["prime256v1", "secp384r1", "secp521r1"];

function refuse(message: string, cause?: unknown): AmoskysError {
  return new AmoskysError("identity_invalid", message, { hint: "amoskys certs check", cause });
}

/** The certificates of a PEM text, in its order. Throws `identity_invalid` where there is none or one is broken. */
export function parseCertificates(text: string, what: string): X509Certificate[] {
  const blocks = text.split("-----BEGIN CERTIFICATE-----").slice(1);
  if (blocks.length === 0) throw refuse(`${what} holds no certificate`);
  return blocks.map((block) => {
    try {
      return new X509Certificate(`-----BEGIN CERTIFICATE-----${block}`);
    } catch (caught) {
      throw refuse(`${what} holds a certificate that cannot be read`, caught);
    }
  });
}

/** A private key out of PEM. Throws `identity_invalid` where it is broken or locked with a passphrase. */
export function parsePrivateKey(text: string | Uint8Array, what: string): KeyObject {
  const pem = Buffer.from(text);
  try {
    return createPrivateKey(pem);
  } catch (caught) {
    const why = pem.includes("ENCRYPTED") ? "is locked with a passphrase" : "is no private key in PEM";
    throw refuse(`${what} ${why}`, caught);
  }
}

/** Why a certificate's key is too weak, or of a kind that the TLS of this executable does not speak. */
export function weakCertificateKey(certificate: X509Certificate): string | undefined {
  let key: KeyObject;
  try {
    key = certificate.publicKey;
  } catch {
    return "has a key of an unknown kind; use ECDSA P-256";
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "rsa") {
    const bits = details?.modulusLength ?? 0;
    return bits >= rsaBitsMin ? undefined : `has an RSA key of ${bits} bits; ${rsaBitsMin} are the least`;
  }
  if (type === "ec") {
    const curve = details?.namedCurve ?? "";
    return curves.includes(curve) ? undefined : `has a key on the curve ${curve}; use P-256`;
  }
  return type === "ed25519" ? undefined : `has a key of the kind ${type}; use ECDSA P-256`;
}

/** The dates of a certificate, in milliseconds since the Unix epoch; NaN where one cannot be read. */
export function certificateDates(certificate: X509Certificate): { notBeforeMs: number; notAfterMs: number } {
  return { notBeforeMs: Date.parse(certificate.validFrom), notAfterMs: Date.parse(certificate.validTo) };
}

/** Why a certificate is not in date, if so; a date that cannot be read is not in date. */
export function outOfDate(certificate: X509Certificate, nowMs: number): string | undefined {
  const { notBeforeMs, notAfterMs } = certificateDates(certificate);
  if (!(nowMs <= notAfterMs)) return `ended ${certificate.validTo}`;
  if (!(nowMs >= notBeforeMs)) return `begins only ${certificate.validFrom}; is the clock of this host right?`;
  return undefined;
}

function assertUsable(certificate: X509Certificate, what: string, nowMs: number): void {
  const why = weakCertificateKey(certificate) ?? outOfDate(certificate, nowMs);
  if (why) throw refuse(`The certificate ${what} ${why}`);
}

/**
 * Loads one side's TLS files. Throws `identity_invalid` where one is missing or broken, the key could have been read
 * or replaced by others or belongs to another certificate, a certificate is out of date, or a key is weak. Of what
 * kind and age the certificates are does not count otherwise; whether the other side trusts them is its affair.
 */
export function loadTlsMaterial(paths: TlsPaths, options: LoadTlsOptions): TlsMaterial {
  const ca = readPublicFile(paths.ca, pemBytesMax);
  const cert = readPublicFile(paths.cert, pemBytesMax);
  const authorities = parseCertificates(ca, paths.ca);
  const [leaf] = parseCertificates(cert, paths.cert) as [X509Certificate];
  assertUsable(leaf, paths.cert, options.nowMs);
  // several authorities stand in the file while one follows another
  const inDate = authorities.filter((authority) => outOfDate(authority, options.nowMs) === undefined);
  assertUsable(inDate[0] ?? (authorities[0] as X509Certificate), paths.ca, options.nowMs);
  const bytes = readPrivateFile(paths.key, { bytesMax: pemBytesMax, allowGroupRead: options.allowGroupRead });
  if (!leaf.checkPrivateKey(parsePrivateKey(bytes, paths.key))) {
    throw refuse(`The key ${paths.key} does not belong to the certificate ${paths.cert}`);
  }
  return { ca, cert, key: Buffer.from(bytes).toString("utf8") };
}
