import { describe, expect, test } from "bun:test";
import { BpfAssembler, type BpfMap, createBpfMap, loadBpfProgram } from "../../src/native/index.ts";
import { bpfObstacle } from "../support/bpf.ts";

const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
const u64 = (value: bigint) => new Uint8Array(BigUint64Array.of(value).buffer);

function hashOf(entriesMax: number): BpfMap {
  return createBpfMap({ name: "test_hash", type: "hash", keyBytes: 4, valueBytes: 8, entriesMax });
}

describe.skipIf(bpfObstacle() !== undefined)("BpfMap", () => {
  test("keeps values by key", () => {
    const map = hashOf(8);
    const value = new Uint8Array(8);
    expect(map.lookup(u32(1), value)).toBe(false);
    map.update(u32(1), u64(77n));
    expect(map.lookup(u32(1), value)).toBe(true);
    expect(value).toEqual(u64(77n));
    map.close();
    map.close();
  });

  test("reads all entries in one go, also where every place is taken", () => {
    const map = hashOf(500);
    const entries = map.createEntries();
    expect(map.readEntries(entries)).toBe(0);
    for (let key = 0; key < 500; key += 1) map.update(u32(key), u64(BigInt(key) * 3n));
    expect(map.readEntries(entries)).toBe(500);
    const keys = new Uint32Array(entries.keys.buffer);
    const values = new BigUint64Array(entries.values.buffer);
    expect(new Set(keys).size).toBe(500);
    expect([...keys].every((key, i) => values[i] === BigInt(key) * 3n)).toBe(true);
    expect(() => map.update(u32(500), u64(0n))).toThrow("E2BIG");
    map.close();
  });

  test("sums words over all processors", () => {
    const map = createBpfMap({ name: "test_sums", type: "percpu_array", keyBytes: 4, valueBytes: 16, entriesMax: 2 });
    const p = new BpfAssembler().store("R10", -4, 1, 4).loadMap("R1", map).address("R2", "R10", -4);
    p.call("map_lookup_elem").jumpIf("R0", "==", 0, "end");
    p.load("R1", "R0", 8, 8).compute("add", "R1", 5).store("R0", 8, "R1", 8);
    const program = loadBpfProgram("add", p.label("end").move("R0", 0).exit().assemble());
    for (let i = 0; i < 10; i += 1) program.run();
    expect([map.sumWords(0), map.sumWords(1)]).toEqual([
      [0, 0],
      [0, 50],
    ]);
    program.close();
    map.close();
  });

  test("an exchanged map is written to no more", () => {
    const [first, second] = [hashOf(4), hashOf(4)];
    const outer = createBpfMap({
      name: "test_outer",
      type: "array_of_maps",
      keyBytes: 4,
      valueBytes: 4,
      entriesMax: 1,
      inner: first,
    });
    outer.update(u32(0), u32(first.fd));
    const p = new BpfAssembler().store("R10", -4, 0, 4).store("R10", -16, 9, 8).loadMap("R1", outer);
    p.address("R2", "R10", -4).call("map_lookup_elem").jumpIf("R0", "==", 0, "end").move("R1", "R0");
    p.address("R2", "R10", -4).address("R3", "R10", -16).move("R4", 0).call("map_update_elem");
    const program = loadBpfProgram("write", p.label("end").move("R0", 0).exit().assemble());
    program.run();
    outer.update(u32(0), u32(second.fd));
    const sizes = () => [first, second].map((map) => map.readEntries(map.createEntries()));
    expect(sizes()).toEqual([1, 0]);
    program.run();
    expect(sizes()).toEqual([1, 1]);
    for (const part of [program, outer, first, second]) part.close();
  });

  test("impossible sizes are refused", () => {
    expect(() => hashOf(0)).toThrow('Cannot create the BPF map "test_hash" (hash)');
  });
});
