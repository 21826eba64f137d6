import { expect, test } from "bun:test";
import { LossTally } from "../../src/delivery/loss-tally.ts";

test("LossTally adds up what was lost for each reason, over the time that it spans", () => {
  const tally = new LossTally();
  expect(tally.isEmpty).toBe(true);
  tally.add({ reason: "queue", count: 2, startNs: 10n, endNs: 20n });
  tally.add({ reason: "size", count: 1, startNs: 15n, endNs: 15n });
  tally.add({ reason: "queue", count: 3, startNs: 5n, endNs: 12n });
  expect(tally.losses()).toEqual([
    { reason: "queue", count: 5, startNs: 5n, endNs: 20n },
    { reason: "size", count: 1, startNs: 15n, endNs: 15n },
  ]);
  expect(tally.count).toBe(6);
  tally.clear();
  expect([tally.isEmpty, tally.count]).toEqual([true, 0]);
});
