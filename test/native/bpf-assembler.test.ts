import { describe, expect, test } from "bun:test";
import { BpfAssembler, loadBpfProgram } from "../../src/native/index.ts";
import { bpfObstacle } from "../support/bpf.ts";

/** Each instruction as hexadecimal digits, in the order of its bytes. */
function hex(program: BpfAssembler): string[] {
  return Buffer.from(program.assemble()).toString("hex").match(/.{16}/g) as string[];
}

describe("BpfAssembler", () => {
  // struct bpf_insn of linux/bpf.h: opcode, source and target register, 16 bits of offset, 32 of immediate
  test.each([
    ["r0 = 0", (p: BpfAssembler) => p.move("R0", 0), "b700000000000000"],
    ["r6 = r1", (p: BpfAssembler) => p.move("R6", "R1"), "bf16000000000000"],
    ["r0 >>= 32", (p: BpfAssembler) => p.compute("shiftRight", "R0", 32), "7700000020000000"],
    ["r1 ^= -1", (p: BpfAssembler) => p.compute("xor", "R1", -1), "a7010000ffffffff"],
    ["r0 -= r6", (p: BpfAssembler) => p.compute("subtract", "R0", "R6"), "1f60000000000000"],
    ["r6 = *(u64 *)(r1 + 8)", (p: BpfAssembler) => p.load("R6", "R1", 8, 8), "7916080000000000"],
    ["r1 = *(u8 *)(r9 - 1)", (p: BpfAssembler) => p.load("R1", "R9", -1, 1), "7191ffff00000000"],
    ["*(u32 *)(r10 - 4) = r8", (p: BpfAssembler) => p.store("R10", -4, "R8", 4), "638afcff00000000"],
    ["*(u64 *)(r10 - 8) = 7", (p: BpfAssembler) => p.store("R10", -8, 7, 8), "7a0af8ff07000000"],
    ["lock *(u64 *)(r9 + 16) += r1", (p: BpfAssembler) => p.atomicAdd("R9", 16, "R1"), "db19100000000000"],
    ["r0 = cmpxchg_64(r9 + 24, r0, r6)", (p: BpfAssembler) => p.compareExchange("R9", 24, "R6"), "db691800f1000000"],
    ["call 5", (p: BpfAssembler) => p.call("ktime_get_ns"), "8500000005000000"],
    ["exit", (p: BpfAssembler) => p.exit(), "9500000000000000"],
  ])("writes %s", (_text, write, expected) => {
    expect(hex(write(new BpfAssembler()))).toEqual([expected]);
  });

  test("writes a map as two instructions, and an address as a copy and a sum", () => {
    expect(hex(new BpfAssembler().loadMap("R1", { fd: 9 }))).toEqual(["1811000009000000", "0000000000000000"]);
    expect(hex(new BpfAssembler().address("R2", "R10", -8))).toEqual(["bfa2000000000000", "07020000f8ffffff"]);
  });

  test("jumps forward and back to labels, counted from the next instruction", () => {
    const p = new BpfAssembler();
    p.label("again").jumpIf("R1", "s<", -4095, "end").jumpIf("R1", ">=", "R2", "again").jump("end").exit();
    p.label("end").exit();
    expect(hex(p)).toEqual([
      "c501030001f0ffff",
      "3d21feff00000000",
      "0500010000000000",
      "9500000000000000",
      "9500000000000000",
    ]);
  });

  test("a label that is missing or there twice is a mistake", () => {
    expect(() => new BpfAssembler().jump("nowhere").assemble()).toThrow('There is no label "nowhere"');
    expect(() => new BpfAssembler().label("a").label("a")).toThrow('The label "a" is there twice');
    const p = new BpfAssembler();
    expect(p.freshLabel("a")).not.toBe(p.freshLabel("a"));
  });
});

describe.skipIf(bpfObstacle() !== undefined)("BpfAssembler in the kernel", () => {
  /** R0 of a program, as the kernel runs it. */
  function resultOf(write: (p: BpfAssembler) => BpfAssembler): number {
    const program = loadBpfProgram("assembled", write(new BpfAssembler()).exit().assemble());
    try {
      return program.run();
    } finally {
      program.close();
    }
  }

  test("computes", () => {
    expect(resultOf((p) => p.move("R0", 6).compute("shiftLeft", "R0", 3).compute("or", "R0", 1))).toBe(49);
    expect(resultOf((p) => p.move("R1", 40).move("R0", 2).compute("add", "R0", "R1").compute("and", "R0", 62))).toBe(
      42,
    );
  });

  test("adds and exchanges atomically", () => {
    const counted = (p: BpfAssembler) =>
      p.store("R10", -8, 5, 8).move("R1", 7).atomicAdd("R10", -8, "R1").load("R0", "R10", -8, 8);
    expect(resultOf(counted)).toBe(12);
    const exchanged = (p: BpfAssembler, expected: number) =>
      p.store("R10", -8, 5, 8).move("R0", expected).move("R1", 9).compareExchange("R10", -8, "R1");
    expect(resultOf((p) => exchanged(p, 5).load("R0", "R10", -8, 8))).toBe(9);
    expect(resultOf((p) => exchanged(p, 4).load("R0", "R10", -8, 8))).toBe(5);
    expect(resultOf((p) => exchanged(p, 4))).toBe(5);
  });

  test.each([
    ["==", 5, 5, true],
    ["!=", 5, 5, false],
    ["<", 4, 5, true],
    ["<=", 6, 5, false],
    [">", -1, 5, true],
    [">=", 5, 5, true],
    ["s>", -1, 5, false],
    ["s>=", 5, 5, true],
    ["s<", -1, 5, true],
    ["&", 6, 2, true],
  ] as const)("compares: left %s right", (comparison, left, right, taken) => {
    const write = (p: BpfAssembler) =>
      p.move("R1", left).move("R0", 1).jumpIf("R1", comparison, right, "yes").move("R0", 0).label("yes");
    expect(resultOf(write)).toBe(taken ? 1 : 0);
  });
});
