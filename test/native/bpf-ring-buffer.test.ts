import { describe, expect, test } from "bun:test";
import {
  BpfAssembler,
  type BpfProgram,
  type BpfRingBuffer,
  createBpfRingBuffer,
  loadBpfProgram,
} from "../../src/native/index.ts";
import { bpfObstacle } from "../support/bpf.ts";

const bytes = 4096;
const recordBytes = 100;
/** Of a record with its 8 bytes of header, rounded up to 8. */
const perRing = Math.floor(bytes / 112);

/** Puts one record with the lower half of the clock in it into the ring; R0 is 1 where there was no room. */
function writerOf(ring: BpfRingBuffer): BpfProgram {
  const p = new BpfAssembler().call("ktime_get_ns").move("R6", "R0").loadMap("R1", ring.map).move("R2", recordBytes);
  p.move("R3", 0).call("ringbuf_reserve").jumpIf("R0", "==", 0, "full").store("R0", 0, "R6", 8);
  p.store("R0", recordBytes - 4, 4711, 4)
    .move("R1", "R0")
    .move("R2", 0)
    .call("ringbuf_submit")
    .move("R0", 0)
    .exit();
  return loadBpfProgram("ring_writer", p.label("full").move("R0", 1).exit().assemble());
}

describe.skipIf(bpfObstacle() !== undefined)("BpfRingBuffer", () => {
  test("hands over every record once, in order, also those that go over the end", () => {
    const ring = createBpfRingBuffer("test_ring", bytes);
    const writer = writerOf(ring);
    const stamps: bigint[] = [];
    const take = () =>
      ring.read((view, offset, length) => {
        expect([length, view.getUint32(offset + recordBytes - 4, true)]).toEqual([recordBytes, 4711]);
        stamps.push(view.getBigUint64(offset, true));
      });
    expect(take()).toBe(0);
    for (let round = 0; round < 20; round += 1) {
      for (let i = 0; i < 25; i += 1) expect(writer.run()).toBe(0);
      expect(take()).toBe(25);
    }
    expect(stamps).toEqual([...new Set(stamps)].sort((a, b) => Number(a - b)));
    expect(stamps.length).toBe(500);
    writer.close();
    ring.close();
  });

  test("is read as often as it takes for the reading to be compiled", () => {
    const ring = createBpfRingBuffer("test_ring", bytes);
    const writer = writerOf(ring);
    let records = 0;
    for (let round = 0; round < 3000; round += 1) {
      for (let i = 0; i < 10; i += 1) writer.run();
      records += ring.read(() => {});
    }
    expect(records).toBe(30_000);
    writer.close();
    ring.close();
  });

  test("takes no more than it has room for, and has room again when it was read", () => {
    const ring = createBpfRingBuffer("test_ring", bytes);
    const writer = writerOf(ring);
    const outcomes = Array.from({ length: perRing + 3 }, () => writer.run());
    expect(outcomes.filter((outcome) => outcome === 1).length).toBe(3);
    expect(ring.read(() => {}, 10)).toBe(10);
    expect(writer.run()).toBe(0);
    expect(ring.read(() => {})).toBe(perRing - 10 + 1);
    writer.close();
    ring.close();
  });

  test("a sink that throws loses its own record alone", () => {
    const ring = createBpfRingBuffer("test_ring", bytes);
    const writer = writerOf(ring);
    for (let i = 0; i < 3; i += 1) writer.run();
    const fail = () => {
      throw new Error("no");
    };
    expect(() => ring.read(fail)).toThrow("no");
    expect(ring.read(() => {})).toBe(2);
    writer.close();
    ring.close();
  });

  test("is read no more when it is closed", () => {
    const ring = createBpfRingBuffer("test_ring", bytes);
    const writer = writerOf(ring);
    writer.run();
    ring.close();
    ring.close();
    expect(ring.read(() => {})).toBe(0);
    writer.close();
  });

  test.each([0, 100, 5000, 6144])("%d bytes are impossible", (size) => {
    expect(() => createBpfRingBuffer("test_ring", size)).toThrow("is impossible");
  });
});
