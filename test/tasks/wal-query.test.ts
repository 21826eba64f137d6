import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { selectRecords } from "../../src/tasks/wal-query.ts";
import { openLogReader } from "../../src/wal/index.ts";
import { createFolder, LogWriterFixture, signers } from "./log-fixture.ts";

const folder = createFolder();
const path = join(folder.dir, "bus.db");
const writer = new LogWriterFixture(path, { role: "bus" });
writer.flows(300);
writer.flows(300);
const other = new LogWriterFixture(path, { log: writer.log, signer: signers.other });
other.flows(5);
writer.log.close();
const reader = openLogReader(path);
afterAll(() => {
  reader.close();
  folder.remove();
});

const idsOf = (selection: Parameters<typeof selectRecords>[1]) =>
  Array.from(selectRecords(reader, selection), ({ id }) => id);
const upTo = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe("selectRecords", () => {
  test("reads all, over the borders of pages, oldest first", () => {
    expect(idsOf({})).toEqual(upTo(1, 605));
  });

  test.each([0, 1, 255, 256, 257, 512, 604, 605, 606, 10_000])("the newest %d, oldest first", (newest) => {
    expect(idsOf({ newest })).toEqual(upTo(Math.max(1, 606 - newest), 605));
  });

  test("the newest of those that match", () => {
    expect(idsOf({ agents: ["agent"], newest: 3 })).toEqual([598, 599, 600]);
    expect(idsOf({ agents: ["other"], newest: 300 })).toEqual(upTo(601, 605));
    expect(idsOf({ agents: ["nobody"], newest: 3 })).toEqual([]);
    expect(idsOf({ kinds: ["loss"] })).toEqual([]);
    expect(idsOf({ states: ["parked"] })).toEqual([]);
  });

  test("a span of the sender's time", () => {
    const atNs = (sequence: number) => 1_700_000_000_000_000_000n + BigInt(sequence);
    expect(idsOf({ agents: ["agent"], sinceNs: atNs(10), untilNs: atNs(13) })).toEqual([10, 11, 12]);
    expect(idsOf({ agents: ["agent"], sinceNs: atNs(10), untilNs: atNs(13), newest: 2 })).toEqual([11, 12]);
  });

  test("opens each record", () => {
    const [view] = selectRecords(reader, { newest: 1 });
    expect(view).toMatchObject({ agent: "other", sequence: 5, kind: "flow", payload: { event: { srcPort: 40_005 } } });
  });
});
