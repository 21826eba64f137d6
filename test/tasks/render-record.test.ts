import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { FlowEventSchema, ProcessEventSchema } from "../../src/gen/messaging_schema_pb.ts";
import { contentLine, eventJson, recordJson, stateText } from "../../src/tasks/render-record.ts";
import { timeText } from "../../src/tasks/render-time.ts";
import { selectRecords } from "../../src/tasks/wal-query.ts";
import type { RecordView } from "../../src/tasks/wal-record-view.ts";
import { openLogReader } from "../../src/wal/index.ts";
import { createFolder, LogWriterFixture } from "./log-fixture.ts";

function viewOf(): RecordView {
  const folder = createFolder();
  try {
    const path = join(folder.dir, "agent.db");
    const writer = new LogWriterFixture(path);
    writer.flows(2);
    writer.log.close();
    const reader = openLogReader(path);
    const [, view] = selectRecords(reader, {});
    reader.close();
    return view as RecordView;
  } finally {
    folder.remove();
  }
}

const view = viewOf();

describe("timeText", () => {
  test.each([
    [1_700_000_000_123_456_789n, "2023-11-14 22:13:20.123Z"],
    [0n, "0 ns"],
    [(1n << 63n) - 1n, "2262-04-11 23:47:16.854Z"],
    [(1n << 64n) - 1n, "2554-07-21 23:34:33.709Z"],
  ])("%p is %s", (ns, text) => {
    expect(timeText(ns)).toBe(text);
  });
});

describe("contentLine", () => {
  test("says what a reader should know of an event", () => {
    const lineOf = (changes: Partial<RecordView>) => contentLine({ ...view, ...changes }, 72);
    const base = lineOf({});
    expect(base).toStartWith("TCP 10.0.0.1:40002 -> 10.0.0.2:443");
    expect(lineOf({ synthetic: true })).toBe(`${base}  synthetic`);
    expect(lineOf({ trust: "unsigned" })).toBe(`${base}  earlier form, unsigned`);
    expect(lineOf({ trust: "signed_legacy" })).toBe(`${base}  earlier form, signed`);
    expect(lineOf({ intact: false })).toContain("DAMAGED");
    expect(lineOf({ payload: undefined, problem: "\u001b" })).toBe("(unreadable: \\x1b)");
  });
});

describe("contentLine of what was made up", () => {
  const madeUp = (payload: RecordView["payload"]) => contentLine({ ...view, synthetic: true, payload }, 72);

  test("says so once, also where the flow's interface says it", () => {
    const flow = create(FlowEventSchema, { protocol: "UDP", interface: "synthetic" });
    expect(madeUp({ kind: "flow", event: flow })).toEndWith("0 ms  synthetic");
    expect(madeUp({ kind: "flow", event: flow })).not.toContain("synthetic  synthetic");
    expect(contentLine({ ...view, payload: { kind: "flow", event: flow } }, 72)).toEndWith("0 ms  synthetic");
    const real = create(FlowEventSchema, { protocol: "UDP", interface: "eth0" });
    expect(madeUp({ kind: "flow", event: real })).toEndWith("eth0  synthetic");
  });

  test("and has room for it on the line", () => {
    const event = create(ProcessEventSchema, { kind: "exec", exe: "/bin/x", args: ["x", "y".repeat(500)] });
    const line = madeUp({ kind: "process", event });
    expect(line).toEndWith("…)  parent 0, user 0  synthetic");
    expect(line).toHaveLength(72);
  });
});

describe("stateText", () => {
  test("says why the bus refused a record", () => {
    expect(stateText(view)).toBe("pending");
    const record = { ...view.record, state: "parked", code: "conflict", reason: "other\nbytes" } as const;
    expect(stateText({ ...view, record })).toBe("parked (conflict: other\\x0abytes)");
  });
});

describe("eventJson and recordJson", () => {
  test("64-bit integers are strings, the event is protobuf's JSON, what does not apply is left out", () => {
    const json = JSON.parse(JSON.stringify(recordJson(view)));
    expect(json).toEqual({
      id: "2",
      agent: "agent",
      epoch: "0123456789abcdef",
      sequence: "2",
      key: "0123456789abcdef.0000000000000002",
      ts_ns: "1700000000000000002",
      received_ns: "1700000000000000005",
      kind: "flow",
      collector: "flow",
      trust: "verified",
      event: {
        srcIp: "10.0.0.1",
        dstIp: "10.0.0.2",
        srcPort: 40_002,
        dstPort: 443,
        protocol: "TCP",
        bytesTx: "1000",
        bytesRx: "2000",
        startTime: "1700000000000000000",
        endTime: "1700000001000000000",
      },
      state: "pending",
      form: "leaf",
      bytes: view.record.bytes.length,
      digest: Buffer.from(view.record.digest).toString("hex"),
    });
    expect(json).toMatchObject(JSON.parse(JSON.stringify(eventJson(view))));
  });

  test("what is wrong with a record is said", () => {
    const json = eventJson({ ...view, intact: false, payload: undefined, problem: "why", synthetic: true });
    expect(json).toMatchObject({ intact: false, problem: "why", synthetic: true, event: undefined });
  });
});
