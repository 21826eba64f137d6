import { describe, expect, test } from "bun:test";
import { DiskGate } from "../../src/bus/disk-gate.ts";
import { ManualClock } from "./manual-clock.ts";

function createGate(free: number | undefined) {
  const clock = new ManualClock();
  const disk = { free, looks: 0 };
  const freeBytes = () => {
    disk.looks += 1;
    return disk.free;
  };
  return { clock, disk, gate: new DiskGate({ freeBytes, lowBytes: 1000, clock }) };
}

describe("DiskGate", () => {
  test("asks to wait under the low mark and takes events again when there is room", () => {
    const { clock, disk, gate } = createGate(999);
    expect(gate.refusal()).toMatchObject({ code: "disk_low" });
    disk.free = 1000;
    clock.advance(500);
    expect(gate.refusal()).toBeUndefined();
  });

  test("looks at most twice a second", () => {
    const { clock, disk, gate } = createGate(5000);
    for (let i = 0; i < 1000; i += 1) {
      gate.refusal();
      clock.advance(1);
    }
    expect(disk.looks).toBe(2);
  });

  test("pauses after a full disk, then tries again by itself", () => {
    const { clock, gate } = createGate(5000);
    gate.markFull();
    expect(gate.refusal()).toMatchObject({ code: "disk_low" });
    clock.advance(1000);
    expect(gate.refusal()).toBeUndefined();
  });

  test("a disk that cannot be asked gets nothing more, and throws at nobody", () => {
    expect(createGate(undefined).gate.refusal()).toMatchObject({ code: "disk_low" });
    const clock = new ManualClock();
    const disk = { isGone: true };
    const freeBytes = () => {
      if (disk.isGone) throw new Error("statfs: ENOENT");
      return 5000;
    };
    const gate = new DiskGate({ freeBytes, lowBytes: 1000, clock });
    expect([gate.freeBytes(), gate.refusal()?.code]).toEqual([undefined, "disk_low"]);
    disk.isGone = false;
    clock.advance(500);
    expect([gate.freeBytes(), gate.refusal()]).toEqual([5000, undefined]);
  });
});
