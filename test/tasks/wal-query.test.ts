import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import type { LeafBody } from "../../src/envelope/index.ts";
import { DeviceTelemetrySchema } from "../../src/gen/universal_telemetry_pb.ts";
import { type RecordSelection, selectRecords } from "../../src/tasks/wal-query.ts";
import { type LogReader, openLogReader, type RecordQuery } from "../../src/wal/index.ts";
import { createFolder, flowPayload, LogWriterFixture, signers } from "./log-fixture.ts";

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

  test("the newest of a collector's, however many others stand between", () => {
    const mixed = join(folder.dir, "mixed.db");
    const mixedWriter = new LogWriterFixture(mixed);
    const device = (collectionAgent: string): LeafBody => ({
      kind: "device",
      payload: toBinary(DeviceTelemetrySchema, create(DeviceTelemetrySchema, { collectionAgent })),
    });
    const scanned: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      scanned.push(mixedWriter.next);
      mixedWriter.group([device("scan"), ...Array.from({ length: 299 }, () => device("host"))]);
    }
    mixedWriter.group([{ kind: "flow", payload: flowPayload(1), synthetic: true }]);
    mixedWriter.flows(3);
    mixedWriter.log.close();
    const mixedReader = openLogReader(mixed);
    const pages: number[] = [];
    const counting = {
      records: (query: RecordQuery) => {
        const page = mixedReader.records(query);
        pages.push(page.length);
        return page;
      },
    } as LogReader;
    const ids = (selection: RecordSelection) => Array.from(selectRecords(counting, selection), ({ id }) => id);
    expect(ids({ collectors: ["scan"] })).toEqual(scanned);
    expect(ids({ collectors: ["scan"], newest: 2 })).toEqual(scanned.slice(2));
    expect(ids({ collectors: ["scan"], newest: 9 })).toEqual(scanned);
    expect(ids({ collectors: ["synthetic"] })).toEqual([1201]);
    expect(ids({ collectors: ["flow"], newest: 2 })).toEqual([1203, 1204]);
    expect(ids({ collectors: ["scan", "synthetic"], newest: 2 })).toEqual([scanned[3] as number, 1201]);
    expect(ids({ collectors: ["scan"], kinds: ["flow"] })).toEqual([]);
    expect(Math.max(...pages)).toBe(256);
    mixedReader.close();
  });

  test("opens each record", () => {
    const [view] = selectRecords(reader, { newest: 1 });
    expect(view).toMatchObject({ agent: "other", sequence: 5, kind: "flow", payload: { event: { srcPort: 40_005 } } });
  });
});
