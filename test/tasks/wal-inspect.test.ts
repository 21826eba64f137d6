import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { summaryJson, summaryRows } from "../../src/tasks/render-summary.ts";
import { inspectLog } from "../../src/tasks/wal-inspect.ts";
import { createFolder, LogWriterFixture } from "./log-fixture.ts";

const folder = createFolder();
afterAll(() => folder.remove());

describe("inspectLog", () => {
  test("sums a log up and opens its records, while it is in use", () => {
    const path = join(folder.dir, "agent.db");
    const writer = new LogWriterFixture(path);
    writer.flows(3);
    writer.burn(2);
    writer.group([{ kind: "flow", payload: new Uint8Array() }], { ranges: [writer.range(4, 5, "burnt")] });
    const log = inspectLog(path, { newest: 2 });
    try {
      const rows = summaryRows(log.summary);
      expect(rows.map(([name]) => name)).toEqual(["Records", "Size", "Stamps", "Tree", "Source"]);
      expect(Object.fromEntries(rows)).toMatchObject({
        Records: "4: 4 pending, 0 settled, 0 parked",
        Stamps: "2023-11-14 22:13:20.000Z to 2023-11-14 22:13:20.000Z",
        Source: "agent 0123456789abcdef: 1 to 6; not here: 4 to 5 lost (never sealed)",
      });
      expect(summaryJson(log.summary)).toMatchObject({
        records: 4,
        pending: 4,
        first_ns: "1700000000000000001",
        last_ns: "1700000000000000006",
        sources: [{ agent: "agent", epoch: "0123456789abcdef", highest: "6" }],
        ranges: [{ agent: "agent", epoch: "0123456789abcdef", first: "4", last: "5", reason: "burnt" }],
      });
      writer.flows(1);
      expect(Array.from(log.records, ({ sequence }) => sequence)).toEqual([6, 7]);
    } finally {
      log.close();
      writer.log.close();
    }
  });

  test("an empty log has no stamps", () => {
    const path = join(folder.dir, "empty.db");
    new LogWriterFixture(path).log.close();
    const log = inspectLog(path, {});
    expect(summaryRows(log.summary).map(([name]) => name)).toEqual(["Records", "Size"]);
    expect(Array.from(log.records)).toEqual([]);
    log.close();
  });

  test("many spans without records are counted, not listed", () => {
    const path = join(folder.dir, "spans.db");
    const writer = new LogWriterFixture(path);
    for (let i = 0; i < 8; i += 1) {
      writer.burn(1);
      const first = writer.next - 1;
      writer.group([{ kind: "flow", payload: new Uint8Array() }], { ranges: [writer.range(first, first, "burnt")] });
    }
    writer.log.close();
    const log = inspectLog(path, {});
    const source = Object.fromEntries(summaryRows(log.summary)).Source ?? "";
    expect(source).toEndWith("7 lost (never sealed), 9 lost (never sealed), 3 spans more");
    log.close();
  });

  test("what is no log is refused", () => {
    expect(() => inspectLog(join(folder.dir, "none.db"), {})).toThrow(
      expect.objectContaining({ code: "file_missing" }),
    );
    const path = join(folder.dir, "text.db");
    writeFileSync(path, "this is no database, but it is long enough to be looked at as one".repeat(20));
    expect(() => inspectLog(path, {})).toThrow(expect.objectContaining({ exitStatus: 11 }));
  });
});
