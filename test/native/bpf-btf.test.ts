import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { loadKernelTypes, parseKernelTypes } from "../../src/native/index.ts";

const kindOf = { integer: 1, pointer: 2, array: 3, struct: 4, union: 5, typedef: 8, function: 12, prototype: 13 };

/**
 * Builds BTF out of types: [kind, name, size or type, members [name, type, bits]...]; others have words behind them.
 */
function btfOf(
  types: { kind: number; name?: string; size?: number; words?: number[]; members?: [string, number, number][] }[],
): Uint8Array {
  let strings = "\0";
  const nameAt = (name = "") => {
    if (name === "") return 0;
    const at = strings.length;
    strings += `${name}\0`;
    return at;
  };
  const body = types.flatMap(({ kind, name, size = 0, words = [], members = [] }) => [
    nameAt(name),
    (kind << 24) | members.length,
    size,
    ...words,
    ...members.flatMap(([member, type, bits]) => [nameAt(member), type, bits]),
  ]);
  const header = [0x0001eb9f, 24, 0, body.length * 4, body.length * 4, strings.length];
  return Buffer.concat([Buffer.from(Uint32Array.from([...header, ...body]).buffer), Buffer.from(strings, "latin1")]);
}

const sample = btfOf([
  { kind: kindOf.integer, name: "int", size: 4, words: [32] },
  { kind: kindOf.array, words: [1, 1, 4] },
  { kind: kindOf.union, size: 16, members: [["inside", 2, 0]] },
  { kind: kindOf.prototype, size: 1, members: [] },
  {
    kind: kindOf.struct,
    name: "outer",
    size: 24,
    members: [
      ["first", 1, 0],
      ["", 3, 64],
    ],
  },
  { kind: kindOf.struct, name: "other", size: 4, members: [["first", 1, 0]] },
]);

describe("parseKernelTypes", () => {
  test("finds members, also in unnamed parts", () => {
    const types = parseKernelTypes(sample, ["outer"]);
    expect([types.offsetOf("outer", "first"), types.offsetOf("outer", "inside")]).toEqual([0, 8]);
    expect([types.offsetOf("outer", "none"), types.offsetOf("other", "first")]).toEqual([undefined, undefined]);
  });

  test("answers or says that the types are damaged, whatever the bytes", () => {
    const attempt = (bytes: Uint8Array) => {
      try {
        parseKernelTypes(bytes, ["outer", "other"]).offsetOf("outer", "inside");
      } catch (caught) {
        expect(caught).toMatchObject({ code: "facility_missing" });
      }
    };
    for (let length = 0; length < sample.length; length += 1) {
      expect(() => parseKernelTypes(sample.subarray(0, length), ["outer"])).toThrow("Cannot read the types");
    }
    for (let at = 0; at < sample.length; at += 1) {
      for (const value of [0, 0x7f, 0xff]) attempt(Uint8Array.from(sample, (byte, i) => (i === at ? value : byte)));
    }
  });

  test("a structure that holds itself unnamed ends", () => {
    const endless = btfOf([{ kind: kindOf.struct, name: "outer", size: 8, members: [["", 1, 0]] }]);
    expect(parseKernelTypes(endless, ["outer"]).offsetOf("outer", "none")).toBeUndefined();
  });
});

describe("loadKernelTypes", () => {
  test("says which kernel would tell them", () => {
    expect(() => loadKernelTypes(["task_struct"], "/nowhere/vmlinux")).toThrow(
      expect.objectContaining({ code: "facility_missing", hint: "a kernel with CONFIG_DEBUG_INFO_BTF" }),
    );
  });

  test.skipIf(!existsSync("/sys/kernel/btf/vmlinux"))("knows the running kernel", () => {
    const types = loadKernelTypes(["task_struct", "list_head"]);
    expect([types.offsetOf("list_head", "next"), types.offsetOf("list_head", "prev")]).toEqual([0, 8]);
    const [pid, tgid] = [types.offsetOf("task_struct", "pid"), types.offsetOf("task_struct", "tgid")];
    expect(tgid).toBe((pid as number) + 4);
    expect(readFileSync("/sys/kernel/btf/vmlinux").length).toBeGreaterThan(tgid as number);
  });
});
