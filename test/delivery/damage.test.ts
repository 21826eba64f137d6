import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { auditFigures } from "../../src/delivery/index.ts";
import { scanStoredLeaf } from "../../src/envelope/index.ts";
import { createOutboxBench, flowEvent } from "./agent-bench.ts";

test("what a salvaged log has lost is declared in the epoch that it was lost from", async () => {
  const first = createOutboxBench();
  for (let round = 0; round < 20; round += 1) {
    for (let i = 0; i < 100; i += 1) first.outbox.emit(flowEvent(i, 300));
    await first.outbox.flush();
  }
  const { epoch } = first.outbox;
  const delivered = first.log.nextGroup(0)?.records ?? [];
  first.log.settle(delivered.map(({ id }) => ({ id, state: "settled", code: "stored", reason: "" })));
  first.log.prune();
  expect(first.log.ranges()).toMatchObject([{ first: 1, last: delivered.length, reason: "settled" }]);
  first.log.close();
  const path = `${first.folder}/agent.db`;
  const bytes = readFileSync(path);
  for (const at of [200_000, 500_000, 900_000]) bytes.fill(0xff, at, at + 8192);
  writeFileSync(path, bytes);

  const second = createOutboxBench({ folder: first.folder });
  expect(second.log.recovery?.cause).toBe("damaged");
  expect(second.outbox.epoch).not.toBe(epoch);
  const { difference } = auditFigures(second.log);
  expect(difference).toBeGreaterThan(0);
  await second.outbox.flush();
  const audit = auditFigures(second.log);
  expect(audit).toMatchObject({ lost: difference, difference: 0 });
  const losses = [];
  for (let group = second.log.nextGroup(0); group; group = second.log.nextGroup(group.id)) {
    for (const record of group.records.filter(({ kind }) => kind === "loss")) {
      const scan = scanStoredLeaf(record.bytes);
      if (scan.ok) losses.push(scan.facts);
    }
  }
  expect(new Set(losses.map((facts) => facts.epoch))).toEqual(new Set([epoch]));
  expect(losses.reduce((sum, { loss }) => sum + (loss?.count ?? 0), 0)).toBe(difference);
  expect(Math.min(...losses.map(({ sequence }) => sequence))).toBeGreaterThan(2000);
  second.log.close();
  first.remove();
});
