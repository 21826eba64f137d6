import { describe, expect, test } from "bun:test";
import { BpfAssembler, createTaskStorage, loadBpfProgram } from "../../src/native/index.ts";
import { bpfObstacle } from "../support/bpf.ts";

describe.skipIf(bpfObstacle() !== undefined)("createTaskStorage", () => {
  test.each([8, 16] as const)("keeps %d bytes for a thread from one run of a program to the next", (bytes) => {
    const map = createTaskStorage("test_storage", bytes);
    const p = new BpfAssembler().call("get_current_task_btf").move("R2", "R0").loadMap("R1", map).move("R3", 0);
    p.move("R4", 1).call("task_storage_get").jumpIf("R0", "==", 0, "end");
    p.move("R6", "R0")
      .load("R0", "R6", bytes - 8, 8)
      .compute("add", "R0", 3)
      .store("R6", bytes - 8, "R0", 8);
    const program = loadBpfProgram("keep", p.label("end").exit().assemble());
    expect([program.run(), program.run(), program.run()]).toEqual([3, 6, 9]);
    program.close();
    map.close();
  });
});
