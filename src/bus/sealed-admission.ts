import { bytesEqual } from "../core/bytes.ts";
import { blake2b256 } from "../core/hashes.ts";
import type { SequenceRange } from "../core/sequence-set.ts";
import { type EnvelopeFacts, scanLeaf, standaloneEnvelope, verifyStandalone, verifyTree } from "../envelope/index.ts";
import type { SourceKey } from "../wal/index.ts";
import { duplicate, type Verdict } from "./ack-code.ts";
import { awaiting, type Outcome, type Sender, sharing } from "./outcome.ts";
import type { Sequencer } from "./sequencer.ts";
import { conflict, type StoredRecords } from "./stored-records.ts";
import { Unit, type UnitRecord } from "./unit.ts";

/** The leaves of a tree and the signature over them. */
export interface Tree {
  readonly agent: string;
  readonly leaves: readonly Uint8Array[];
  readonly sig: Uint8Array;
}

/** What a tree's leaves became: at once, or one by one where they must be looked at apart. */
export type TreeOutcome =
  | { readonly type: "whole"; readonly outcomes: readonly Outcome[] }
  | { readonly type: "apart"; readonly steps: readonly (() => Outcome)[] };

interface Place {
  readonly source: SourceKey;
  readonly sequence: number;
}

const badSignature: Verdict = { code: "bad_signature", reason: "no key of this agent made the signature" };

const declaredLongAgo: Verdict = {
  code: "conflict",
  reason: "the agent declared it lost or set aside too long ago for it to be taken now",
};

/** Lets verified envelopes in: who sent them, what they say of themselves, their signature, their place. */
export class SealedAdmission {
  readonly #sequencer: Sequencer;
  readonly #stored: StoredRecords;

  constructor(sequencer: Sequencer, stored: StoredRecords) {
    this.#sequencer = sequencer;
    this.#stored = stored;
  }

  /** An envelope that stands alone: its bytes and what they say. */
  envelope(sender: Sender, bytes: Uint8Array, facts: EnvelopeFacts): Outcome {
    const refusal = refuseSender(sender, facts.agent) ?? refuseClaims(facts);
    if (refusal) return refusal;
    if (!verifyStandalone(facts, sender.trust, sender.atMs)) return badSignature;
    const { sig = new Uint8Array(), prevSig } = facts;
    const record = recordOf(facts, "universal", bytes, facts.leafBytes());
    return this.#place(placeOf(facts), record.leaf, () => {
      const closes = closesOf(facts);
      const { source, sequence: first } = placeOf(facts);
      return new Unit({ source, first, records: [record], tree: false, sig, prevSig, closes });
    });
  }

  /** A tree: its leaves go into the log together where all of them are new, otherwise each by itself. */
  tree(sender: Sender, tree: Tree): TreeOutcome {
    const { leaves } = tree;
    const refusal = refuseSender(sender, tree.agent);
    if (refusal) return whole(leaves, refusal);
    const scans = leaves.map((leaf) => scanLeaf(leaf));
    const facts = scans.map((scan) => (scan.ok ? scan.facts : undefined));
    const disorder = refuseDisorder(tree.agent, facts);
    if (disorder) return whole(leaves, disorder);
    if (!verifyTree(tree.agent, leaves, tree.sig, sender.trust, sender.atMs)) return whole(leaves, badSignature);
    const refusals = scans.map((scan) =>
      scan.ok ? refuseClaims(scan.facts) : { code: scan.fault, reason: scan.reason },
    );
    const read = facts.filter((one) => one !== undefined);
    if (read.length === leaves.length && refusals.every((one) => one === undefined)) {
      const outcome = this.#wholeTree(read, tree);
      if (outcome) return { type: "whole", outcomes: leaves.map(() => outcome) };
    }
    const steps = leaves.map((_, i) => () => refusals[i] ?? this.#leaf(facts[i] as EnvelopeFacts, tree, i));
    return { type: "apart", steps };
  }

  #wholeTree(facts: readonly EnvelopeFacts[], { leaves, sig }: Tree): Outcome | undefined {
    const { source, sequence: first } = placeOf(facts[0] as EnvelopeFacts);
    if (!this.#sequencer.isFresh(source, { first, last: first + facts.length - 1 })) return undefined;
    const records = leaves.map((leaf, i) => recordOf(facts[i] as EnvelopeFacts, "leaf", leaf, leaf));
    const { prevSig } = facts[0] as EnvelopeFacts;
    return this.#offer(new Unit({ source, first, records, tree: true, sig, prevSig, closes: facts.flatMap(closesOf) }));
  }

  /** One leaf of a tree that is not stored whole: it is stored with its proof. */
  #leaf(facts: EnvelopeFacts, tree: Tree, index: number): Outcome {
    const leaf = tree.leaves[index] as Uint8Array;
    return this.#place(placeOf(facts), leaf, () => {
      const { source, sequence: first } = placeOf(facts);
      const records = [recordOf(facts, "universal", standaloneEnvelope(tree, index), leaf)];
      const { prevSig } = facts;
      return new Unit({ source, first, records, tree: false, sig: tree.sig, prevSig, closes: closesOf(facts) });
    });
  }

  #place({ source, sequence }: Place, leaf: Uint8Array, createUnit: () => Unit): Outcome {
    const standing = this.#sequencer.standing(source, sequence);
    switch (standing.state) {
      case "stored":
        return this.#stored.sequenceVerdict(source, sequence, leaf) ?? duplicate;
      case "old":
        return this.#stored.sequenceVerdict(source, sequence, leaf) ?? declaredLongAgo;
      case "pending":
        return sharing(standing.unit, () =>
          bytesEqual(standing.unit.leafAt(sequence), leaf) ? duplicate : conflict(`sequence ${sequence}`),
        );
      case "declared": {
        const parkedDigest = this.#stored.parkedDigest(source, sequence);
        if (parkedDigest && !bytesEqual(parkedDigest, blake2b256(leaf))) {
          return { code: "digest_mismatch", reason: `sequence ${sequence} was parked with another digest` };
        }
        return this.#offer(createUnit());
      }
      case "free":
        return this.#offer(createUnit());
    }
  }

  #offer(unit: Unit): Outcome {
    return this.#sequencer.offer(unit) ?? awaiting(unit);
  }
}

function whole(leaves: readonly Uint8Array[], outcome: Outcome): TreeOutcome {
  return { type: "whole", outcomes: leaves.map(() => outcome) };
}

/** The name that signs must be the one that the certificate says, and have a key that holds now. */
function refuseSender({ entry, trust, atMs }: Sender, agent: string): Verdict | undefined {
  if (agent !== entry.name) {
    return { code: "not_permitted", reason: `the certificate of ${entry.name} cannot send for another agent` };
  }
  if (!trust.hasKey(agent, atMs)) return { code: "unknown_key", reason: `no key of ${agent} holds in the trust map` };
  return undefined;
}

/** What a loss or a parked record says must lie behind it. */
function refuseClaims({ loss, parked, sequence }: EnvelopeFacts): Verdict | undefined {
  const last = loss?.lastSequence ?? parked?.sequence ?? 0;
  if (last < sequence) return undefined;
  return { code: "non_canonical", reason: `a ${loss ? "loss" : "parked"} record explains what lies before it alone` };
}

/** The leaves of a tree are of its agent, of one epoch, follow one another and name the same signature before. */
function refuseDisorder(agent: string, leaves: readonly (EnvelopeFacts | undefined)[]): Verdict | undefined {
  const index = leaves.findIndex((leaf) => leaf !== undefined);
  const known = leaves[index];
  if (!known) return undefined;
  const first = known.sequence - index;
  if (first < 1) return { code: "non_canonical", reason: "the leaves of the tree begin before sequence 1" };
  for (const [i, leaf] of leaves.entries()) {
    if (!leaf) continue;
    if (leaf.agent !== agent)
      return { code: "not_permitted", reason: `the tree of ${agent} holds another agent's leaf` };
    if (leaf.epoch !== known.epoch || leaf.sequence !== first + i || !bytesEqual(leaf.prevSig, known.prevSig)) {
      return { code: "non_canonical", reason: "the leaves of the tree are not in a row" };
    }
  }
  return undefined;
}

function placeOf({ agent, epoch, sequence }: EnvelopeFacts): Place {
  return { source: { agent, epoch }, sequence };
}

function recordOf(facts: EnvelopeFacts, form: "leaf" | "universal", bytes: Uint8Array, leaf: Uint8Array): UnitRecord {
  return { tsNs: facts.tsNs, kind: facts.kind, form, bytes, leaf };
}

function closesOf({ loss, parked }: EnvelopeFacts): SequenceRange[] {
  if (loss) return [{ first: loss.firstSequence, last: loss.lastSequence }];
  return parked ? [{ first: parked.sequence, last: parked.sequence }] : [];
}
