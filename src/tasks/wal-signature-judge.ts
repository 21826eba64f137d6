import nacl from "tweetnacl";
import { type EnvelopeFacts, type SignatureVerifier, verifyStandalone, verifyTree } from "../envelope/index.ts";
import type { TrustMap } from "../identity/index.ts";
import type { StoredGroup } from "../wal/index.ts";
import type { LegacyContent } from "./wal-verify-record.ts";

/** What came of a signature. */
export type SignatureVerdict =
  | "good"
  | "bad"
  /** No trust map, or no key of this agent in it. */
  | "unknown_key"
  /** There is none. */
  | "unsigned"
  /** The other leaves of the tree are not all here. */
  | "incomplete_tree";

/** Ed25519 by tweetnacl: another implementation than the one that checked when the records came. */
function createIndependentVerifier(trust: TrustMap): SignatureVerifier {
  return {
    verifySignature: (agent, message, sig) =>
      sig.length === 64 &&
      (trust.entries.get(agent)?.keys ?? []).some((key) => nacl.sign.detached.verify(message, sig, key.publicKey)),
  };
}

/**
 * Judges signatures by the keys of a trust map. All keys of an agent count, also those that have ended since: records
 * outlive them.
 */
export class SignatureJudge {
  readonly #trust: TrustMap | undefined;
  readonly #verifier: SignatureVerifier | undefined;

  constructor(trust: TrustMap | undefined, independent: boolean) {
    this.#trust = trust;
    this.#verifier = trust && independent ? createIndependentVerifier(trust) : trust;
  }

  /** An envelope that stands alone. */
  standalone(facts: EnvelopeFacts): SignatureVerdict {
    return this.#judge(facts.agent, (verifier) => verifyStandalone(facts, verifier, "ever"));
  }

  /** The leaves of a group, all that are there. */
  group(group: StoredGroup, leaves: readonly Uint8Array[]): SignatureVerdict {
    const { agent } = group.source;
    if (leaves.length < group.size) return this.#trust?.hasKey(agent, "ever") ? "incomplete_tree" : "unknown_key";
    return this.#judge(agent, (verifier) => verifyTree(agent, leaves, group.sig, verifier, "ever"));
  }

  /** An envelope of an earlier agent. */
  legacy(agent: string, { sig, signedBytes }: LegacyContent): SignatureVerdict {
    if (!sig) return "unsigned";
    return this.#judge(agent, (verifier) => verifier.verifySignature(agent, signedBytes, sig, "ever"));
  }

  /** The agent whose key made the signature, where the log does not say who sent it. */
  signerOf({ sig, signedBytes }: LegacyContent): string | undefined {
    if (!sig) return undefined;
    const agents = [...(this.#trust?.entries.keys() ?? [])];
    return agents.find((agent) => this.#verifier?.verifySignature(agent, signedBytes, sig, "ever"));
  }

  #judge(agent: string, verify: (verifier: SignatureVerifier) => boolean): SignatureVerdict {
    if (!this.#verifier || !this.#trust?.hasKey(agent, "ever")) return "unknown_key";
    return verify(this.#verifier) ? "good" : "bad";
  }
}
