import { bytesEqual } from "../core/bytes.ts";
import type { EnvelopeFacts } from "../envelope/index.ts";
import type { LogReader, SourceKey, StoredGroup, StoredRecord } from "../wal/index.ts";
import type { SignatureJudge, SignatureVerdict } from "./wal-signature-judge.ts";
import type { FindingKind, Findings } from "./wal-verify-findings.ts";
import { indexProblem, type LegacyContent, readContent } from "./wal-verify-record.ts";
import { SourceCheck } from "./wal-verify-source.ts";

/** A sealed record whose columns say what its bytes say. */
interface SealedRecord {
  readonly record: StoredRecord;
  readonly facts: EnvelopeFacts;
}

/** Goes over the records in order of id: bytes, columns, signatures; hands the good ones on to their sources. */
export class RecordWalk {
  readonly signatures: Record<SignatureVerdict, number> = {
    good: 0,
    bad: 0,
    unknown_key: 0,
    unsigned: 0,
    incomplete_tree: 0,
  };
  /** Records of earlier agents, which stand in no chain. */
  legacy = 0;
  /** Agents whose records are signed by a key that is not known here. */
  readonly strangers = new Set<string>();
  readonly #sources = new Map<string, { readonly key: SourceKey; readonly check: SourceCheck }>();
  readonly #reader: LogReader;
  readonly #judge: SignatureJudge;
  readonly #findings: Findings;
  /** What is there of the group at hand; beside leaves, envelopes that were set aside and stand alone since. */
  #group: SealedRecord[] = [];

  constructor(reader: LogReader, judge: SignatureJudge, findings: Findings) {
    this.#reader = reader;
    this.#judge = judge;
    this.#findings = findings;
  }

  /** The sources that were met, and others that are asked for. */
  source(key: SourceKey): SourceCheck {
    const id = `${key.epoch}/${key.agent}`;
    const known = this.#sources.get(id);
    if (known) return known.check;
    const check = new SourceCheck(key, this.#findings);
    this.#sources.set(id, { key, check });
    return check;
  }

  get sources(): Iterable<{ readonly key: SourceKey; readonly check: SourceCheck }> {
    return this.#sources.values();
  }

  /** The next record; one whose structure is bad is only known to be there. */
  take(record: StoredRecord, isSound: boolean): void {
    if (this.#group[0] && this.#group[0].record.groupId !== record.groupId) this.end();
    if (isSound) this.#takeSound(record);
    else this.source(record.source).skip(record.sequence);
  }

  /** Judges the leaves that were gathered, at the end of their group and of the log. */
  end(): void {
    const members = this.#group;
    this.#group = [];
    const strayed = members.find(({ record }, i) => record.sequence <= (members[i - 1]?.record.sequence ?? 0));
    if (strayed) this.#find("order", strayed.record, "it does not follow the record in front of it in its group");
    members.sort((a, b) => a.record.sequence - b.record.sequence);
    const leaves = members.filter(({ record }) => record.form === "leaf");
    const [first] = leaves;
    if (!first) return;
    const { groupId } = first.record;
    const group = groupId === undefined ? undefined : this.#reader.group(groupId);
    if (!group) {
      for (const { record } of leaves) this.#refuse("group", record, "a leaf without the signature of its group");
      return;
    }
    const problem = groupProblem(group, leaves);
    if (problem) this.#find("index", first.record, problem);
    const verdict = this.#judge.group(group, members.map(leafBytes));
    this.#count(verdict, leaves.length, group.source.agent);
    if (verdict === "bad") {
      const last = leaves.at(-1)?.record.id;
      const which = leaves.length === 1 ? "" : ` of the tree over records ${first.record.id} to ${last}`;
      this.#find("signature", first.record, `the signature${which} does not hold`);
      for (const { record } of leaves) this.source(record.source).skip(record.sequence);
      return;
    }
    for (const { record, facts } of leaves) this.#link(record, facts, group.sig);
  }

  #takeSound(record: StoredRecord): void {
    const content = readContent(record);
    if (typeof content === "string") {
      this.#refuse("envelope", record, content);
      return;
    }
    const problem = indexProblem(record, content);
    if (problem) {
      if (content.type === "sealed") this.source(content.facts).skip(content.facts.sequence);
      this.#refuse("index", record, problem);
    } else if (content.type === "legacy") {
      this.#takeLegacy(record, content.legacy);
    } else {
      const sealed = { record, facts: content.facts };
      if (record.form === "universal") this.#takeStandalone(sealed);
      if (record.form === "leaf" || record.groupId !== undefined) this.#group.push(sealed);
    }
  }

  #takeStandalone({ record, facts }: SealedRecord): void {
    const verdict = this.#judge.standalone(facts);
    this.#count(verdict, 1, facts.agent);
    if (verdict === "bad") this.#refuse("signature", record, "no key of the agent made the signature");
    else this.#link(record, facts, facts.sig ?? new Uint8Array());
  }

  #takeLegacy(record: StoredRecord, legacy: LegacyContent): void {
    this.legacy += 1;
    const { agent } = record.source;
    const verdict = agent === "" ? this.#judgeNameless(legacy) : this.#judge.legacy(agent, legacy);
    this.#count(verdict, 1, agent);
    if (record.trust !== "signed_legacy") return;
    if (verdict === "bad" || verdict === "unsigned") {
      this.#find("signature", record, "the log says that it is signed, but no key of the agent made its signature");
    }
  }

  /** Old files do not say who sent a record: any agent's key will do. */
  #judgeNameless(legacy: LegacyContent): SignatureVerdict {
    if (!legacy.sig) return "unsigned";
    return this.#judge.signerOf(legacy) === undefined ? "unknown_key" : "good";
  }

  #link(record: StoredRecord, { sequence, prevSig, loss, parked }: EnvelopeFacts, sig: Uint8Array): void {
    this.source(record.source).add({ id: record.id, sequence, sig, prevSig }, { loss, parked });
  }

  #count(verdict: SignatureVerdict, records: number, agent: string): void {
    this.signatures[verdict] += records;
    if (verdict === "unknown_key" && agent !== "") this.strangers.add(agent);
  }

  #refuse(kind: FindingKind, record: StoredRecord, detail: string): void {
    this.#find(kind, record, detail);
    this.source(record.source).skip(record.sequence);
  }

  #find(kind: FindingKind, { id, source, sequence }: StoredRecord, detail: string): void {
    this.#findings.add({ kind, id, ...source, sequence, detail });
  }
}

function leafBytes({ record, facts }: SealedRecord): Uint8Array {
  return record.form === "leaf" ? record.bytes : facts.leafBytes();
}

/** What the row of a group says otherwise than its leaves. */
function groupProblem(group: StoredGroup, leaves: readonly SealedRecord[]): string | undefined {
  const first = leaves[0] as SealedRecord;
  if (leaves.some(({ facts }) => !bytesEqual(facts.prevSig, group.prevSig))) {
    return "the row of its group names another prev_sig than its leaves";
  }
  const last = group.firstSequence + group.size - 1;
  if (first.facts.sequence < group.firstSequence || (leaves.at(-1) as SealedRecord).facts.sequence > last) {
    return `the row of its group holds sequences ${group.firstSequence} to ${last}`;
  }
  const { agent, epoch } = group.source;
  return first.facts.agent === agent && first.facts.epoch === epoch ? undefined : "the row of its group is another's";
}
