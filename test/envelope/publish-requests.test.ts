import { describe, expect, test } from "bun:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  encodePublishEnvelopes,
  encodePublishTree,
  envelopesPerCallMax,
  splitEnvelopes,
  splitTree,
  treeBytesMax,
  treeLeavesMax,
} from "../../src/envelope/index.ts";
import { PublishEnvelopesRequestSchema, PublishTreeRequestSchema } from "../../src/gen/amoskys/v1/bus_pb.ts";
import { joinFields, splitFields } from "./wire.ts";

const sig = new Uint8Array(64).fill(3);
const treeOf = (leaves: Uint8Array[], agent = "agent") => ({
  agent,
  epoch: "0123456789abcdef",
  firstSequence: 1,
  leaves,
  sig,
  prevSig: new Uint8Array(),
});
const leavesOf = (count: number, length: number) =>
  Array.from({ length: count }, (_, i) => new Uint8Array(length).fill(i));

describe("encodePublishTree and splitTree", () => {
  test("agree with the generated code", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 2, maxLength: 40 }), (leaves) => {
        const bytes = encodePublishTree(treeOf(leaves));
        expect(bytes).toEqual(
          toBinary(PublishTreeRequestSchema, create(PublishTreeRequestSchema, { agent: "agent", leaves, sig })),
        );
        expect(fromBinary(PublishTreeRequestSchema, bytes)).toMatchObject({ agent: "agent", leaves, sig });
        expect(splitTree(bytes)).toEqual({ ok: true, agent: "agent", leaves, sig });
      }),
      { seed: 11, numRuns: 100 },
    );
  });

  test("a request in another order or with unknown fields is read", () => {
    const bytes = encodePublishTree(treeOf(leavesOf(3, 5)));
    const shuffled = joinFields(splitFields(bytes).toReversed());
    expect(splitTree(Buffer.concat([shuffled, Uint8Array.of(0x20, 1)]))).toMatchObject({ ok: true, agent: "agent" });
  });

  test("limits hold on both sides of the line", () => {
    expect(splitTree(encodePublishTree(treeOf(leavesOf(treeLeavesMax, 9)))).ok).toBe(true);
    expect(splitTree(encodePublishTree(treeOf(leavesOf(treeLeavesMax + 1, 9))))).toMatchObject({ ok: false });
    expect(splitTree(encodePublishTree(treeOf(leavesOf(8, treeBytesMax / 8)))).ok).toBe(true);
    expect(splitTree(encodePublishTree(treeOf([...leavesOf(8, treeBytesMax / 8), Uint8Array.of(1)]))).ok).toBe(false);
  });

  test("a group of one is no tree", () => {
    expect(() => encodePublishTree(treeOf(leavesOf(1, 5)))).toThrow("publish its envelope");
    const one = toBinary(
      PublishTreeRequestSchema,
      create(PublishTreeRequestSchema, { agent: "agent", leaves: leavesOf(1, 5), sig }),
    );
    expect(splitTree(one)).toMatchObject({ ok: false, reason: expect.stringContaining("at least 2") });
  });

  test.each([
    ["no agent", { agent: "" }],
    ["an agent that is no name", { agent: "a/b" }],
    ["a long agent", { agent: "a".repeat(65) }],
    ["no signature", { sig: new Uint8Array() }],
    ["half a signature", { sig: sig.subarray(32) }],
  ])("%s is refused", (_name, changes) => {
    const request = { agent: "agent", leaves: leavesOf(2, 5), sig, ...changes };
    expect(splitTree(toBinary(PublishTreeRequestSchema, create(PublishTreeRequestSchema, request))).ok).toBe(false);
  });

  test("no truncation is taken", () => {
    const bytes = encodePublishTree(treeOf(leavesOf(3, 40)));
    for (let length = 0; length < bytes.length; length += 1)
      expect(splitTree(bytes.subarray(0, length)).ok).toBe(false);
  });
});

describe("encodePublishEnvelopes and splitEnvelopes", () => {
  test("agree with the generated code", () => {
    const envelopes = leavesOf(5, 300);
    const bytes = encodePublishEnvelopes(envelopes);
    expect(bytes).toEqual(
      toBinary(PublishEnvelopesRequestSchema, create(PublishEnvelopesRequestSchema, { envelopes })),
    );
    expect(splitEnvelopes(bytes)).toEqual({ ok: true, envelopes });
  });

  test("none, too many and garbage are refused", () => {
    expect(splitEnvelopes(new Uint8Array()).ok).toBe(false);
    expect(splitEnvelopes(encodePublishEnvelopes(leavesOf(envelopesPerCallMax, 1))).ok).toBe(true);
    expect(splitEnvelopes(encodePublishEnvelopes(leavesOf(envelopesPerCallMax + 1, 1))).ok).toBe(false);
    expect(splitEnvelopes(Uint8Array.of(0x0a, 5, 1)).ok).toBe(false);
    expect(splitEnvelopes(Uint8Array.of(0xff, 0xff)).ok).toBe(false);
  });
});
