import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import * as fc from "fast-check";
import { gaps } from "../../src/delivery/damage.ts";
import { auditFigures } from "../../src/delivery/index.ts";
import { scanStoredLeaf } from "../../src/envelope/index.ts";
import { createOutboxBench, flowEvent } from "./agent-bench.ts";

test("gaps are what no range holds, from 1 to the highest", () => {
  expect(gaps([], 3)).toEqual([{ first: 1, last: 3 }]);
  expect(gaps([{ first: 1, last: 3 }], 3)).toEqual([]);
  expect(
    gaps(
      [
        { first: 8, last: 9 },
        { first: 2, last: 3 },
      ],
      10,
    ),
  ).toEqual([
    { first: 1, last: 1 },
    { first: 4, last: 7 },
    { first: 10, last: 10 },
  ]);
});

test("gaps of any ranges, overlapping ones too, are their complement", () => {
  const range = fc
    .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 12 }))
    .map(([first, length]) => ({ first, last: first + length }));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 12 }), (ranges) => {
      const held = (s: number) => ranges.some(({ first, last }) => first <= s && s <= last);
      const found = gaps(ranges, 80);
      const missing = Array.from({ length: 80 }, (_, i) => i + 1).filter((s) => !held(s));
      expect(found.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i))).toEqual(
        missing,
      );
    }),
  );
});

test("what a salvaged log has lost is declared in the epoch that it was lost from", async () => {
  const first = createOutboxBench();
  for (let round = 0; round < 20; round += 1) {
    for (let i = 0; i < 100; i += 1) first.outbox.emit(flowEvent(i, 300));
    await first.outbox.flush();
  }
  const { epoch } = first.outbox;
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
