import { expect, test } from "bun:test";
import type { ParcelItem } from "../../src/delivery/parcel.ts";
import { type PublishResult, SignatureJudge } from "../../src/delivery/signature-judge.ts";

const classes = { stored: "done", bad_signature: "record", undecodable: "record", rate_limited: "wait" } as const;

/** The results of one call; what the judge makes of each is its class. */
function judged(judge: SignatureJudge, codes: readonly (keyof typeof classes)[], epoch = "00000000000000aa"): string[] {
  const item = { group: { source: { agent: "agent-1", epoch } } } as ParcelItem;
  const results = codes.map((code): PublishResult => ({ item, ackClass: classes[code], code, reason: "" }));
  return judge.judge(results).map(({ ackClass }) => ackClass);
}

test("one bad signature among good ones is the record's fault", () => {
  expect(judged(new SignatureJudge(), ["stored", "bad_signature", "stored"])).toEqual(["done", "record", "done"]);
});

test("a call that brings nothing but bad signatures is the identity's fault, whatever was taken before", () => {
  const judge = new SignatureJudge();
  expect(judged(judge, ["bad_signature", "bad_signature"])).toEqual(["identity", "identity"]);
  judged(judge, ["stored"]);
  expect(judged(judge, ["bad_signature", "bad_signature"])).toEqual(["identity", "identity"]);
  expect(judged(judge, ["bad_signature", "rate_limited", "undecodable"])).toEqual(["identity", "wait", "record"]);
});

test("one alone is the record's fault once after others of its epoch were taken, and never before", () => {
  const judge = new SignatureJudge();
  expect(judged(judge, ["bad_signature"])).toEqual(["identity"]);
  judged(judge, ["stored"]);
  expect(judged(judge, ["bad_signature"], "00000000000000bb")).toEqual(["identity"]);
  expect(judged(judge, ["bad_signature"])).toEqual(["record"]);
  expect(judged(judge, ["bad_signature"])).toEqual(["identity"]);
  judged(judge, ["stored"]);
  judge.forget();
  expect(judged(judge, ["bad_signature"])).toEqual(["identity"]);
});
