import { expect, test } from "bun:test";
import { type CommitInput, planCommit } from "../../src/delivery/commit-plan.ts";
import { scanStoredLeaf } from "../../src/envelope/index.ts";
import { createSigner } from "../../src/identity/index.ts";
import { flowEvent, testAgent, testSeed } from "./agent-bench.ts";

const signer = createSigner(testAgent, testSeed);
const epoch = "00000000000000aa";
const older = "00000000000000bb";

function input(changes: Partial<CommitInput>): CommitInput {
  return {
    epoch,
    heads: new Map(),
    losses: [],
    notices: [],
    events: [],
    dropGroups: [],
    nowNs: 1_800_000_000_123_456_789n,
    ...changes,
  };
}

function factsOf(plan: ReturnType<typeof planCommit>) {
  return plan.batch.records.map(({ bytes }) => {
    const scan = scanStoredLeaf(bytes);
    if (!scan.ok) throw new Error(scan.reason);
    return scan.facts;
  });
}

test("a plan puts what the log says of itself into groups of their own, in front of the events", () => {
  const plan = planCommit(
    input({
      losses: [{ reason: "queue", count: 10, startNs: 1n, endNs: 2n }],
      notices: [
        {
          epoch,
          lost: [{ first: 1, last: 1, reason: "budget", startNs: 3n, endNs: 4n }],
          gone: [{ first: 1, last: 1 }],
          parked: [{ sequence: 2, digest: new Uint8Array(32), code: "conflict", reason: "" }],
        },
      ],
      events: [flowEvent(1), flowEvent(2)],
      dropGroups: [7],
    }),
    signer,
  );
  expect(plan.groups.map(({ holds }) => holds)).toEqual(["loss", "loss", "parked", "events"]);
  expect(plan.batch.groups.map(({ firstSequence, size }) => [firstSequence, size])).toEqual([
    [11, 1],
    [12, 1],
    [13, 1],
    [14, 2],
  ]);
  expect(factsOf(plan).map(({ sequence, kind }) => [sequence, kind])).toEqual([
    [11, "loss"],
    [12, "loss"],
    [13, "parked"],
    [14, "flow"],
    [15, "flow"],
  ]);
  expect(plan.batch.ranges).toMatchObject([
    { op: "add", first: 1, last: 10, reason: "burnt", sinceMs: 1_800_000_000_123 },
    { op: "add", first: 1, last: 1, reason: "shed" },
  ]);
  expect(plan.batch.dropGroups).toEqual([7]);
  expect(plan.heads).toMatchObject([{ source: { agent: testAgent, epoch }, highest: 15 }]);
  expect(plan.batch.records.map(({ state, group }) => [state, group])).toEqual([
    ["pending", 0],
    ["pending", 1],
    ["pending", 2],
    ["pending", 3],
    ["pending", 3],
  ]);
});

test("every group chains to the one before it in its epoch, and each epoch is told of in its own", () => {
  const sig = new Uint8Array(64).fill(5);
  const source = { agent: testAgent, epoch: older };
  const plan = planCommit(
    input({
      heads: new Map([[older, { source, highest: 90, lastSig: sig }]]),
      notices: [
        {
          epoch: older,
          lost: [{ first: 4, last: 6, reason: "damage", startNs: 0n, endNs: 0n }],
          gone: [{ first: 4, last: 6 }],
          parked: [],
        },
      ],
      losses: [{ reason: "size", count: 1, startNs: 1n, endNs: 1n }],
      events: [flowEvent(1)],
    }),
    signer,
  );
  expect(factsOf(plan).map((facts) => [facts.epoch, facts.sequence])).toEqual([
    [epoch, 2],
    [older, 91],
    [epoch, 3],
  ]);
  const [first, second, third] = plan.batch.groups;
  expect(first?.prevSig.length).toBe(0);
  expect(second?.prevSig).toEqual(sig);
  expect(third?.prevSig).toEqual(first?.sig as Uint8Array);
  expect(Object.fromEntries(plan.heads.map((head) => [head.source.epoch, head.highest]))).toEqual({
    [epoch]: 3,
    [older]: 91,
  });
});

test("more than 512 notices are told in several groups", () => {
  const parked = Array.from({ length: 600 }, (_, i) => ({
    sequence: i + 1,
    digest: new Uint8Array(32),
    code: "conflict",
    reason: "x".repeat(200),
  }));
  const plan = planCommit(input({ notices: [{ epoch, lost: [], gone: [], parked }] }), signer);
  expect(plan.batch.groups.map(({ size }) => size)).toEqual([512, 88]);
});
