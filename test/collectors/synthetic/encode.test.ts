import { describe, expect, test } from "bun:test";
import { communityId } from "../../../src/collectors/synthetic/community-id.ts";
import type { FlowDraft } from "../../../src/collectors/synthetic/draft.ts";
import { encodeDraft } from "../../../src/collectors/synthetic/encode.ts";
import { decodePayload, scanUniversal, sealGroup, standaloneEnvelope } from "../../../src/envelope/index.ts";

const flow: FlowDraft = {
  kind: "flow",
  source: "10.20.1.11",
  target: "192.0.2.10",
  sourcePort: 40_000,
  targetPort: 443,
  protocol: "TCP",
  startUs: 1_767_600_000_000_000,
  endUs: 1_767_600_002_500_400,
  tx: { packets: 6, ipBytes: 1000, flags: 27 },
  rx: { packets: 5, ipBytes: 9000, flags: 26 },
  endReason: "fin",
};

describe("encode", () => {
  test("a flow has both names of each field, bytes on the wire, and its times in nanoseconds", () => {
    const { tsNs, payload } = encodeDraft(flow, flow.endUs);
    const decoded = decodePayload("flow", payload);
    if (!decoded.ok || decoded.payload.kind !== "flow") throw new Error("no flow");
    const { event } = decoded.payload;
    expect(tsNs).toBe(1_767_600_002_500_400_000n);
    expect([event.startTime, event.endTime, event.durationMs]).toEqual([1_767_600_000_000_000_000n, tsNs, 2500]);
    expect([event.bytesTx, event.bytesSent, event.bytesRx, event.bytesRecv]).toEqual([1084n, 1084n, 9070n, 9070n]);
    expect([event.proto, event.protocol, event.flags, event.interface]).toEqual(["TCP", "TCP", 27, "synthetic"]);
  });

  test("every envelope says that its event is synthetic", () => {
    const process = { kind: "process", host: "10.20.1.11", pid: 5, ppid: 1, uid: 0, args: ["/bin/true"] } as const;
    const drafts = [flow, { ...process, startUs: flow.endUs, endUs: flow.endUs }];
    const leaves = drafts.map((draft) => {
      const { kind, tsNs, payload, synthetic } = encodeDraft(draft, flow.endUs);
      return { tsNs, body: { kind, payload, ...(synthetic ? { synthetic } : {}) } };
    });
    const signer = { agent: "agent", sign: () => new Uint8Array(64) };
    const group = sealGroup(
      { epoch: "0123456789abcdef", firstSequence: 1, prevSig: new Uint8Array(64), leaves },
      signer,
    );
    for (const [index, { kind }] of drafts.entries()) {
      const scanned = scanUniversal(standaloneEnvelope(group, index));
      if (!scanned.ok) throw new Error(scanned.reason);
      expect([scanned.facts.kind, scanned.facts.synthetic]).toEqual([kind, true]);
    }
  });

  test("the Community ID is that of the specification's example, in both directions", () => {
    const ends = { source: "128.232.110.120", sourcePort: 34_855, target: "66.35.250.204", targetPort: 80 };
    const back = { source: ends.target, sourcePort: 80, target: ends.source, targetPort: 34_855 };
    expect(communityId({ ...ends, protocol: "TCP" })).toBe("1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
    expect(communityId({ ...back, protocol: "TCP" })).toBe("1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
  });
});
