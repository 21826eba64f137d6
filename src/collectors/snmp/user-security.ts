import { createCipheriv, createHash } from "node:crypto";
import { AmoskysError } from "../../core/errors.ts";
import type { SnmpAccess } from "./config.ts";

/** A user as the library takes it. */
export interface LibraryUser {
  readonly name: string;
  readonly level: number;
  readonly authProtocol?: number;
  readonly authKey?: string;
  readonly privProtocol?: number;
  readonly privKey?: string;
}

type User = NonNullable<SnmpAccess["user"]>;

/** Each with its digest and the library's number. RFC 3414 (MD5, SHA-1), RFC 7860 (SHA-2). */
const auths: Readonly<Record<NonNullable<User["auth"]>, readonly [digest: string, number: number]>> = {
  md5: ["md5", 2],
  sha: ["sha1", 3],
  sha224: ["sha224", 4],
  sha256: ["sha256", 5],
  sha384: ["sha384", 6],
  sha512: ["sha512", 7],
};

interface Cipher {
  readonly cipher: string;
  readonly keyBytes: number;
  readonly ivBytes: number;
  /** The library's number; it has no AES-192. */
  readonly number: number | undefined;
}

/** RFC 3414 (DES), RFC 3826 (AES-128), draft-blumenthal-aes-usm-04 and draft-reeder-snmpv3-usm-3desede-00 (longer). */
const privs: Readonly<Record<NonNullable<User["priv"]>, Cipher>> = {
  des: { cipher: "des-cbc", keyBytes: 8, ivBytes: 8, number: 2 },
  aes: { cipher: "aes-128-cfb", keyBytes: 16, ivBytes: 16, number: 4 },
  aes192b: { cipher: "aes-192-cfb", keyBytes: 24, ivBytes: 16, number: undefined },
  aes192r: { cipher: "aes-192-cfb", keyBytes: 24, ivBytes: 16, number: undefined },
  aes256b: { cipher: "aes-256-cfb", keyBytes: 32, ivBytes: 16, number: 6 },
  aes256r: { cipher: "aes-256-cfb", keyBytes: 32, ivBytes: 16, number: 8 },
};

const works = new Map<string, boolean>();

function isThere(name: string, attempt: () => unknown): boolean {
  let there = works.get(name);
  if (there === undefined) {
    try {
      attempt();
      there = true;
    } catch {
      there = false;
    }
    works.set(name, there);
  }
  return there;
}

function missing(what: string, others: string): AmoskysError {
  return new AmoskysError("facility_missing", `SNMPv3 with ${what} is not possible in this runtime`, {
    hint: `let the device's user have ${others}`,
  });
}

/** msgFlags of the messages of a user: bit 0 authenticated, bit 1 encrypted (RFC 3412, 6.4). */
export function flagsOf(user: User): number {
  return (user.auth ? 1 : 0) | (user.priv ? 2 : 0);
}

/** Turns a configured user into the library's. Throws `facility_missing` where an algorithm is not there. */
export function libraryUser(user: User): LibraryUser {
  const { name, auth, priv } = user;
  if (!auth) return { name, level: 1 };
  const [digest, authProtocol] = auths[auth];
  if (!isThere(digest, () => createHash(digest))) throw missing(auth, "sha or sha256");
  const authenticated = { name, level: 2, authProtocol, authKey: user.auth_password?.reveal() ?? "" };
  if (!priv) return authenticated;
  const { cipher, keyBytes, ivBytes, number } = privs[priv];
  const hasCipher = isThere(cipher, () => createCipheriv(cipher, Buffer.alloc(keyBytes), Buffer.alloc(ivBytes)));
  if (number === undefined || !hasCipher) throw missing(priv, "aes or aes256b");
  return { ...authenticated, level: 3, privProtocol: number, privKey: user.priv_password?.reveal() ?? "" };
}
