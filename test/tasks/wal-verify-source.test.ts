import { describe, expect, test } from "bun:test";
import { Findings } from "../../src/tasks/wal-verify-findings.ts";
import { SourceCheck } from "../../src/tasks/wal-verify-source.ts";
import type { RangeReason, RangeRow } from "../../src/wal/index.ts";

const source = { agent: "agent", epoch: "0123456789abcdef" };
const sigOf = (n: number) => (n === 0 ? new Uint8Array() : new Uint8Array(64).fill(n));
const nothing = { loss: undefined, parked: undefined };

function range(first: number, last: number, reason: RangeReason): RangeRow {
  return { source, first, last, reason, sinceMs: 0 };
}

function lossOf(firstSequence: number, lastSequence: number) {
  const count = lastSequence - firstSequence + 1;
  return { firstSequence, lastSequence, count, reason: "budget", startNs: 0n, endNs: 0n };
}

/** Records that stand alone, each with a signature of its own; ids are the sequences times 10. */
function check(sequences: readonly number[], head: number, ranges: readonly RangeRow[] = [], later = ranges) {
  const findings = new Findings();
  const checked = new SourceCheck(source, findings);
  for (const sequence of sequences) {
    checked.add({ id: sequence * 10, sequence, sig: sigOf(sequence), prevSig: sigOf(sequence - 1) }, nothing);
  }
  const lastSig = sigOf(Math.max(0, ...sequences));
  const summary = checked.finish({ source, highest: head, lastSig }, ranges, later);
  return { summary, found: findings.first.map(({ kind, id, sequence }) => [kind, id, sequence]), checked, findings };
}

describe("SourceCheck", () => {
  test("a whole source has nothing wrong with it", () => {
    const { summary, found } = check([1, 2, 3], 3);
    expect(found).toEqual([]);
    expect(summary).toEqual({ ...source, produced: 3, stored: 3, explained: {}, unlinked: 0 });
  });

  test.each([
    ["the first", [2, 3, 4], 4, [["gap", 20, 1]]],
    ["one in the middle", [1, 2, 4], 4, [["gap", 40, 3]]],
    ["two in the middle", [1, 4], 4, [["gap", 40, 2]]],
    ["the last", [1, 2], 3, [["gap", undefined, 3]]],
    ["all", [], 3, [["gap", undefined, 1]]],
  ] as const)("%s missing is a gap in front of the record behind it", (_name, sequences, head, expected) => {
    expect(check(sequences, head).found).toEqual(expected as unknown as typeof expected & []);
  });

  test("a gap that a range explains is none, also where it was explained meanwhile", () => {
    expect(check([1, 4], 4, [range(2, 3, "settled")]).found).toEqual([]);
    expect(check([1, 4], 4, [], [range(2, 3, "settled")]).found).toEqual([]);
    expect(check([1, 4], 4, [range(2, 2, "settled")]).found).toEqual([["gap", 40, 3]]);
  });

  test("a head behind the last record, or with another signature, is found", () => {
    expect(check([1, 2, 3], 2).found).toEqual([["head", 30, 3]]);
    const findings = new Findings();
    const checked = new SourceCheck(source, findings);
    checked.add({ id: 10, sequence: 1, sig: sigOf(1), prevSig: sigOf(0) }, nothing);
    checked.finish({ source, highest: 1, lastSig: sigOf(9) }, [], []);
    expect(findings.first.map(({ kind }) => kind)).toEqual(["head"]);
  });

  test("a record that the ranges deny is found, unless the range went meanwhile", () => {
    expect(check([1, 2, 3], 3, [range(2, 2, "settled")]).found).toEqual([["range", undefined, 2]]);
    expect(check([1, 2, 3], 3, [range(2, 2, "missing")], []).found).toEqual([]);
    expect(check([1, 2, 3], 3, [range(2, 2, "forked")]).found).toEqual([]);
  });

  test.each(["shed", "burnt", "declared"] as const)("%s must be said by a loss or a parked record", (reason) => {
    const ranges = [range(2, 3, reason)];
    expect(check([1, 4], 4, ranges).found.filter(([kind]) => kind === "range")).toEqual([["range", 40, 2]]);
    const findings = new Findings();
    const said = new SourceCheck(source, findings);
    said.add({ id: 10, sequence: 1, sig: sigOf(1), prevSig: sigOf(0) }, nothing);
    said.add({ id: 40, sequence: 4, sig: sigOf(4), prevSig: sigOf(1) }, { loss: lossOf(2, 3), parked: undefined });
    said.finish({ source, highest: 4, lastSig: sigOf(4) }, ranges, ranges);
    expect(findings.first).toEqual([]);
  });

  test("what was delivered and removed may have taken the loss record along", () => {
    expect(check([1, 6], 6, [range(2, 3, "shed"), range(4, 5, "settled")]).found).toEqual([]);
  });

  test("behind a hole the chain is not provable, but behind burnt sequences it is", () => {
    expect(check([1, 4], 4, [range(2, 3, "settled")]).summary.unlinked).toBe(1);
    const findings = new Findings();
    const burnt = new SourceCheck(source, findings);
    const facts = { loss: lossOf(2, 3), parked: undefined };
    burnt.add({ id: 10, sequence: 1, sig: sigOf(1), prevSig: sigOf(0) }, nothing);
    burnt.add({ id: 40, sequence: 4, sig: sigOf(4), prevSig: sigOf(9) }, facts);
    const ranges = [range(2, 3, "burnt")];
    burnt.finish({ source, highest: 4, lastSig: sigOf(4) }, ranges, ranges);
    expect(findings.first.map(({ kind, id }) => [kind, id])).toEqual([["chain", 40]]);
  });

  test("the first of an epoch names no signature before it", () => {
    const findings = new Findings();
    const checked = new SourceCheck(source, findings);
    checked.add({ id: 10, sequence: 1, sig: sigOf(1), prevSig: sigOf(5) }, nothing);
    checked.finish({ source, highest: 1, lastSig: sigOf(1) }, [], []);
    expect(findings.first.map(({ kind, id }) => [kind, id])).toEqual([["chain", 10]]);
  });

  test("a bad record is there: it leaves no gap besides", () => {
    const findings = new Findings();
    const checked = new SourceCheck(source, findings);
    checked.add({ id: 10, sequence: 1, sig: sigOf(1), prevSig: sigOf(0) }, nothing);
    checked.skip(2);
    checked.add({ id: 30, sequence: 3, sig: sigOf(3), prevSig: sigOf(2) }, nothing);
    checked.finish({ source, highest: 3, lastSig: sigOf(3) }, [], []);
    expect(findings.isEmpty).toBe(true);
  });
});
