import { createPublicKey, type KeyObject, verify } from "node:crypto";
import type { KeyMoment } from "../envelope/index.ts";
import { publicKeyDer } from "./public-key.ts";

/** What an identity may do: send events, follow events, read health and status. */
export const permissions = ["publish", "subscribe", "status"] as const;
export type Permission = (typeof permissions)[number];

/** What an agent may send beside the forms of today: nothing, the signed forms of old, or unsigned ones too. */
export const legacyForms = ["none", "signed", "unsigned"] as const;
export type LegacyForm = (typeof legacyForms)[number];

/** When something holds, in milliseconds since the Unix epoch; undefined: without that limit. */
export interface Validity {
  readonly notBeforeMs: number | undefined;
  readonly notAfterMs: number | undefined;
  /** From this moment on it holds no more, whatever the other two say. */
  readonly revokedAtMs: number | undefined;
}

/** A public signing key of an agent. */
export interface TrustedKey extends Validity {
  /** Raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** SHA-256 of the raw key in hex: what people compare. */
  readonly fingerprint: string;
  /** The file it came from, as the trust map names it. */
  readonly path: string;
}

/** One name and what it may do. */
export interface TrustEntry extends Validity {
  readonly name: string;
  readonly keys: readonly TrustedKey[];
  readonly permissions: ReadonlySet<Permission>;
  /** Events a second; undefined: no limit of its own. */
  readonly rateLimit: number | undefined;
  /** Undefined: the entry does not say, so the bus's default (`eventbus.legacy_default`) decides. */
  readonly legacy: LegacyForm | undefined;
}

/** Whether a validity holds at a moment, and if not, why. */
export function validityAt(validity: Validity, atMs: number): "valid" | "early" | "expired" | "revoked" {
  if (validity.revokedAtMs !== undefined && atMs >= validity.revokedAtMs) return "revoked";
  if (validity.notAfterMs !== undefined && atMs > validity.notAfterMs) return "expired";
  if (validity.notBeforeMs !== undefined && atMs < validity.notBeforeMs) return "early";
  return "valid";
}

/** Who is trusted with what. Immutable: a changed file makes a new map. */
export class TrustMap {
  readonly entries: ReadonlyMap<string, TrustEntry>;
  readonly #keyObjects = new Map<TrustedKey, KeyObject>();

  constructor(entries: Iterable<TrustEntry>) {
    this.entries = new Map(Array.from(entries, (entry) => [entry.name, entry]));
    for (const entry of this.entries.values()) {
      for (const key of entry.keys) {
        const der = publicKeyDer(key.publicKey);
        this.#keyObjects.set(key, createPublicKey({ key: der, format: "der", type: "spki" }));
      }
    }
  }

  /** Whether the agent has a key that holds at that moment. */
  hasKey(agent: string, at: KeyMoment): boolean {
    return this.#keysAt(agent, at).length > 0;
  }

  /**
   * Whether a key of `agent` made this Ed25519 signature (RFC 8032, as the runtime's native crypto checks it).
   * Only keys that hold at that moment count, and none once the entry is revoked; `ever` counts all that the map names.
   */
  verifySignature(agent: string, message: Uint8Array, sig: Uint8Array, at: KeyMoment): boolean {
    if (sig.length !== 64) return false;
    return this.#keysAt(agent, at).some((key) => verify(null, message, this.#keyObjects.get(key) as KeyObject, sig));
  }

  #keysAt(agent: string, at: KeyMoment): readonly TrustedKey[] {
    const entry = this.entries.get(agent);
    if (!entry) return [];
    if (at === "ever") return entry.keys;
    if (validityAt(entry, at) !== "valid") return [];
    return entry.keys.filter((key) => validityAt(key, at) === "valid");
  }
}
