import { describe, expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import { decodeExecution, entityIdAt, execEvent } from "../../../src/collectors/syscall/exec-event.ts";
import { execRecord, execRecordBytes } from "../../../src/collectors/syscall/layout.ts";
import { ProcessEventSchema } from "../../../src/gen/messaging_schema_pb.ts";
import { argumentsCutMark, entityIdOf } from "../../../src/procfs/index.ts";

const roomBytes = 64;
const before = 24;

/** A record somewhere in a ring, as the kernel would write it. */
function recordOf(args: string, { file = "/bin/true", outcome = 0 } = {}): DataView {
  const view = new DataView(new ArrayBuffer(before + execRecordBytes(roomBytes)));
  const bytes = new Uint8Array(view.buffer);
  const encoded = Buffer.from(args, "latin1");
  view.setBigUint64(before + execRecord.bootNs, 5_000_000_123n, true);
  view.setBigUint64(before + execRecord.startNs, 4_999_999_999n, true);
  view.setBigUint64(before + execRecord.cgroup, 4711n, true);
  for (const [offset, value] of [
    [execRecord.process, 70],
    [execRecord.parent, 60],
    [execRecord.user, 1000],
    [execRecord.group, 2000],
    [execRecord.argsBytes, encoded.length],
  ] as const) {
    view.setUint32(before + offset, value, true);
  }
  view.setInt32(before + execRecord.argsOutcome, outcome, true);
  bytes.set(Buffer.from(file), before + execRecord.file);
  bytes.set(encoded.subarray(0, roomBytes), before + execRecord.args);
  return view;
}

const decode = (view: DataView) => decodeExecution(view, before, execRecordBytes(roomBytes));
const boot = { bootId: "b", bootTimeS: 1_700_000_000, wallOffsetNs: 1_700_000_000_500_000_000n };

describe("decodeExecution", () => {
  test("reads what was executed, and by whom", () => {
    expect(decode(recordOf("true\0a b\0\0"))).toEqual({
      bootNs: 5_000_000_123n,
      startNs: 4_999_999_999n,
      pid: 70,
      ppid: 60,
      uid: 1000,
      gid: 2000,
      cgroupId: 4711n,
      exe: "/bin/true",
      args: ["true", "a b", ""],
      isArgsMissing: false,
    });
  });

  test("says where the arguments were cut, and where they could not be read", () => {
    expect(decode(recordOf(`sh\0${"x".repeat(100)}\0`))?.args).toEqual(["sh", "x".repeat(61), argumentsCutMark]);
    expect(decode(recordOf(`${"x".repeat(63)}\0`))?.args).toEqual(["x".repeat(63)]);
    expect(decode(recordOf("true\0", { outcome: -14 }))).toMatchObject({ args: [], isArgsMissing: true });
    expect(decode(recordOf(""))?.args).toEqual([]);
  });

  test("makes text of anything", () => {
    expect(decode(recordOf("\xff\xfe\0\xc3", { file: "/tmp/\u0007x" }))).toMatchObject({
      exe: "/tmp/\u0007x",
      args: ["\ufffd\ufffd", "\ufffd"],
    });
  });

  test("takes nothing for a record that is too short", () => {
    expect(decodeExecution(recordOf("true\0"), before, execRecord.args - 1)).toBeUndefined();
  });
});

describe("execEvent", () => {
  test("has the time of the execution, and start and identity as /proc shows them", () => {
    const execution = decode(recordOf("true\0"));
    const { kind, tsNs, payload } = execEvent(execution as NonNullable<typeof execution>, boot);
    expect([kind, tsNs]).toEqual(["process", 1_700_000_005_500_000_123n]);
    expect(fromBinary(ProcessEventSchema, payload)).toMatchObject({
      pid: 70n,
      ppid: 60n,
      exe: "/bin/true",
      args: ["true"],
      uid: 1000,
      gid: 2000,
      kind: "exec",
      source: "ebpf",
      startTsNs: 1_700_000_004_990_000_000n,
      entityId: entityIdOf("b", 70, 499),
    });
    const place = { path: "/docker/c", containerId: "c".repeat(64), isUnified: true };
    const placed = execEvent(execution as NonNullable<typeof execution>, boot, place);
    expect(fromBinary(ProcessEventSchema, placed.payload)).toMatchObject({
      cgroup: place.path,
      containerId: place.containerId,
    });
    expect(entityIdAt(boot.bootId, 70, 5_000_000_000n)).toBe(entityIdOf("b", 70, 500));
  });
});
