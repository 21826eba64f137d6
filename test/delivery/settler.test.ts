import { afterEach, expect, test } from "bun:test";
import { renameSync } from "node:fs";
import { auditFigures } from "../../src/delivery/index.ts";
import { Settler } from "../../src/delivery/settler.ts";
import { systemTimer } from "../../src/delivery/timer.ts";
import type { StoredGroup } from "../../src/wal/index.ts";
import { createOutboxBench, flowEvent, type OutboxBench } from "./agent-bench.ts";

const open: OutboxBench[] = [];

afterEach(() => {
  for (const bench of open.splice(0)) bench.remove();
});

async function withEvents(count: number): Promise<OutboxBench & { group: StoredGroup }> {
  const bench = createOutboxBench();
  open.push(bench);
  for (let i = 0; i < count; i += 1) bench.outbox.emit(flowEvent(i));
  await bench.outbox.flush();
  return { ...bench, group: bench.log.nextGroup(0) as StoredGroup };
}

const settled = { state: "settled", code: "stored", reason: "" } as const;

test("a settler saves what came in during one turn at once, and then says which groups are done", async () => {
  const { log, group } = await withEvents(4);
  const saved: (readonly number[])[] = [];
  const settler = new Settler({
    log,
    timer: systemTimer,
    diskRetryMs: 10,
    onSaved: (groupIds) => saved.push(groupIds),
    onFailed: (error) => {
      throw error;
    },
  });
  for (const { id } of group.records) settler.add(group.id, { id, ...settled });
  settler.finish(group.id);
  expect([settler.isEmpty, settler.groupIds().length, auditFigures(log).pending]).toEqual([false, 4, 4]);
  await new Promise((resolve) => setImmediate(resolve));
  expect([settler.isEmpty, auditFigures(log).settled, saved]).toEqual([true, 4, [[group.id]]]);
  settler.flush(true);
  expect(log.stats().records).toBe(0);
  expect(auditFigures(log)).toMatchObject({ settled: 4, difference: 0 });
});

test("a log that cannot be written any more ends the settler once", async () => {
  const { log, group } = await withEvents(2);
  const failures: string[] = [];
  const settler = new Settler({
    log,
    timer: systemTimer,
    diskRetryMs: 10,
    onSaved: () => {},
    onFailed: ({ code }) => failures.push(code),
  });
  renameSync(log.path, `${log.path}.moved`);
  for (const { id } of group.records) {
    settler.add(group.id, { id, ...settled });
    settler.flush();
  }
  settler.flush(true);
  expect(failures).toEqual(["log_io"]);
});
