import { AmoskysError } from "../core/errors.ts";
import { sha256 } from "../core/hashes.ts";
import { type WeakKey, weakKey } from "./edwards.ts";

/** SubjectPublicKeyInfo of an Ed25519 key up to the 32 bytes of the key itself (RFC 8410, section 4). */
const spkiPrefix = Buffer.from("302a300506032b6570032100", "hex");

/** The lines around a public key in PEM (RFC 7468, section 13). */
const pemBegin = "-----BEGIN PUBLIC KEY-----";
const pemEnd = "-----END PUBLIC KEY-----";

const whyWeak: Readonly<Record<WeakKey, string>> = {
  wrong_length: "is not 32 bytes long",
  non_canonical: "is not in the canonical encoding",
  not_on_curve: "is no point of the curve",
  low_order: "is a point of low order, for which one signature fits many messages",
  mixed_order: "is a point of mixed order, about whose signatures verifiers disagree",
};

/** Keys that were found good: a check takes milliseconds, and a map is read again at every change. */
const foundGood = new Set<string>();
const foundGoodMax = 100_000;

/** SHA-256 of a raw public key in hex: what people compare. */
export function keyFingerprint(publicKey: Uint8Array): string {
  return Buffer.from(sha256(publicKey)).toString("hex");
}

/** The DER of SubjectPublicKeyInfo around a raw Ed25519 public key. */
export function publicKeyDer(publicKey: Uint8Array): Buffer {
  return Buffer.concat([spkiPrefix, publicKey]);
}

/** `NAME.ed25519.pub`: the PEM form of a raw Ed25519 public key. */
export function formatPublicKey(publicKey: Uint8Array): string {
  return `${pemBegin}\n${publicKeyDer(publicKey).toString("base64")}\n${pemEnd}\n`;
}

/** Throws `identity_invalid` for a key with which signatures would prove nothing; `what` names it. */
export function assertStrongKey(publicKey: Uint8Array, what: string): void {
  const known = Buffer.from(publicKey).toString("base64");
  if (foundGood.has(known)) return;
  const weak = weakKey(publicKey);
  if (weak) {
    throw new AmoskysError("identity_invalid", `${what} ${whyWeak[weak]}`, {
      hint: "amoskys certs gen NAME",
      details: { weak },
    });
  }
  if (foundGood.size < foundGoodMax) foundGood.add(known);
}

function unfit(message: string): AmoskysError {
  return new AmoskysError("identity_invalid", message, {
    hint: "give NAME.ed25519.pub, which amoskys certs gen NAME makes",
  });
}

/**
 * The raw public key of a PEM text that holds one Ed25519 SubjectPublicKeyInfo and nothing else. Throws
 * `identity_invalid` for anything else and for weak keys; `what` names the text.
 */
export function parsePublicKey(text: string, what: string): Uint8Array {
  const block = text.trim();
  if (!block.startsWith(pemBegin) || !block.endsWith(pemEnd)) {
    const why = text.includes("PRIVATE KEY") ? "holds a private key, not a public one" : "is no PEM public key";
    throw unfit(`${what} ${why}`);
  }
  const base64 = block.slice(pemBegin.length, -pemEnd.length).replace(/\s/g, "");
  const der = Buffer.from(base64, "base64");
  if (der.toString("base64") !== base64) throw unfit(`${what} is damaged: no base64`);
  if (der.length !== spkiPrefix.length + 32 || !der.subarray(0, spkiPrefix.length).equals(spkiPrefix)) {
    throw unfit(`${what} is no Ed25519 public key`);
  }
  const publicKey = new Uint8Array(der.subarray(spkiPrefix.length));
  assertStrongKey(publicKey, what);
  return publicKey;
}
