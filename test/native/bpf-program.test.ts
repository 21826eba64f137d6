import { describe, expect, test } from "bun:test";
import { AmoskysError } from "../../src/core/errors.ts";
import { BpfAssembler, createBpfMap, loadBpfProgram } from "../../src/native/index.ts";
import { bpfObjectExists, bpfObstacle, ownBpfObjects } from "../support/bpf.ts";
import { eventually } from "../support/eventually.ts";

const nothing = () => new BpfAssembler().move("R0", 0).exit().assemble();

function failureOf(work: () => unknown): AmoskysError {
  try {
    work();
  } catch (caught) {
    return AmoskysError.from(caught);
  }
  throw new Error("it did not fail");
}

describe.skipIf(bpfObstacle() !== undefined)("loadBpfProgram", () => {
  test("runs on behalf of the caller", () => {
    const code = new BpfAssembler().call("get_current_pid_tgid").compute("shiftRight", "R0", 32).exit().assemble();
    const program = loadBpfProgram("own", code);
    expect(program.run()).toBe(process.pid);
    expect(program.misses()).toBe(0);
    program.close();
    program.close();
  });

  test("tells what the verifier has against a program, in one line, with its log in the details", () => {
    const error = failureOf(() => loadBpfProgram("wrong", new BpfAssembler().load("R0", "R2", 0, 8).exit().assemble()));
    expect(error.code).toBe("facility_missing");
    expect(error.message).toBe(`Cannot load the BPF program "wrong": the kernel's verifier refused it: R2 !read_ok`);
    expect(error.details.verifier).toContain("0: (79) r0 = *(u64 *)(r2 +0)");
  });

  test("a program that leaves its result open, loops for ever, or is empty is refused, not loaded", () => {
    const endless = new BpfAssembler().label("again").jump("again").exit().assemble();
    for (const code of [new BpfAssembler().exit().assemble(), endless]) {
      expect(failureOf(() => loadBpfProgram("wrong", code)).code).toBe("facility_missing");
    }
    expect(failureOf(() => loadBpfProgram("empty", new Uint8Array())).code).toBe("internal");
  });

  test("sees events while it is attached, and is gone when all is closed", async () => {
    const map = createBpfMap({ name: "seen", type: "array", keyBytes: 4, valueBytes: 8, entriesMax: 1 });
    const p = new BpfAssembler().store("R10", -4, 0, 4).loadMap("R1", map).address("R2", "R10", -4);
    p.call("map_lookup_elem").jumpIf("R0", "==", 0, "end").move("R1", 1).atomicAdd("R0", 0, "R1");
    const program = loadBpfProgram("count", p.label("end").move("R0", 0).exit().assemble());
    const seen = () => {
      const value = new BigUint64Array(1);
      expect(map.lookup(new Uint8Array(4), new Uint8Array(value.buffer))).toBe(true);
      return value[0] as bigint;
    };
    const link = program.attachRawTracepoint("sched_process_exec");
    Bun.spawnSync(["true"]);
    const counted = seen();
    expect(counted).toBeGreaterThanOrEqual(1n);
    const objects = ownBpfObjects();
    expect(objects.map(({ kind }) => kind).sort()).toEqual(["link_id", "map_id", "prog_id"]);
    expect(objects.every(bpfObjectExists)).toBe(true);
    link.close();
    link.close();
    const after = seen();
    Bun.spawnSync(["true"]);
    expect(seen()).toBe(after);
    program.close();
    map.close();
    await eventually("the kernel has let go", () => !objects.some(bpfObjectExists));
  });

  test("a tracepoint that is not there is a missing facility", () => {
    const program = loadBpfProgram("nothing", nothing());
    const error = failureOf(() => program.attachRawTracepoint("sys_nowhere"));
    program.close();
    expect(error).toMatchObject({ code: "facility_missing", details: { tracepoint: "sys_nowhere" } });
  });
});
