import { describe, expect, test } from "bun:test";
import { addRest, decodeInterval, syscallName, textOf } from "../../../src/collectors/syscall/decode.ts";
import { bucketCount, firstSlotOf, pairValue, unknownNumber } from "../../../src/collectors/syscall/layout.ts";

interface Entry {
  readonly process: number;
  readonly slot: number;
  readonly name?: string;
  readonly firstNs?: number;
  readonly unmeasured?: number;
  readonly errors?: number;
  /** Durations in nanoseconds with the bucket that the kernel put them into. */
  readonly calls?: readonly (readonly [ns: number, bucket: number])[];
}

/** The bytes that the kernel would hand over. */
function intervalOf(entries: readonly Entry[]) {
  const keys = new Uint8Array(entries.length * 8);
  const values = new Uint8Array(entries.length * pairValue.bytes);
  entries.forEach(({ process, slot, name = "sh", firstNs = 1, unmeasured = 0, errors = 0, calls = [] }, i) => {
    new Uint32Array(keys.buffer, i * 8, 2).set([process, slot]);
    const at = i * pairValue.bytes;
    const words = new BigUint64Array(values.buffer, at, pairValue.bytes / 8);
    const set = (offset: number, value: bigint) => {
      words[offset / 8] = value;
    };
    const durations = calls.map(([ns]) => ns);
    set(pairValue.unmeasured, BigInt(unmeasured));
    set(pairValue.errors, BigInt(errors));
    set(pairValue.totalNs, BigInt(durations.reduce((sum, ns) => sum + ns, 0)));
    set(pairValue.maxNs, BigInt(Math.max(0, ...durations)));
    if (durations.length > 0) set(pairValue.notMinNs, BigInt.asUintN(64, ~BigInt(Math.min(...durations))));
    set(pairValue.firstNs, BigInt(firstNs));
    set(pairValue.startNs, 2n ** 40n);
    values.set(new TextEncoder().encode(name), at + pairValue.name);
    for (const [, bucket] of calls) set(pairValue.buckets + bucket * 8, 1n);
  });
  return { entries: { keys, values }, count: entries.length };
}

const all = { top: 100, top_by: "calls" } as const;

describe("syscallName", () => {
  test.each([
    [0, "read"],
    [231, "exit_group"],
    [400, "400"],
    [unknownNumber, "unknown"],
    [firstSlotOf("ia32") + 5, "ia32:open"],
    [firstSlotOf("ia32") + 17, "ia32:break"],
    [firstSlotOf("ia32") + 387, "ia32:387"],
    [firstSlotOf("x32") + unknownNumber, "x32:unknown"],
  ])("%d is %s", (slot, name) => {
    expect(syscallName(slot)).toBe(name);
  });
});

describe("textOf", () => {
  test("ends at the NUL, or at the end, and is always text", () => {
    expect(textOf(Buffer.from("sleep\0left over"))).toBe("sleep");
    expect(textOf(Buffer.from("sixteen bytes ok"))).toBe("sixteen bytes ok");
    expect(textOf(Uint8Array.of(0x61, 0xff, 0xc3, 0))).toBe("a\ufffd\ufffd");
  });
});

describe("decodeInterval", () => {
  test("reads what a pair holds", () => {
    const calls = [
      [100, 0],
      [3_000_000_000_000, bucketCount - 1],
    ] as const;
    const { top } = decodeInterval(intervalOf([{ process: 7, slot: 1, unmeasured: 3, errors: 1, calls }]), all);
    const buckets = new Array(bucketCount).fill(0);
    buckets[0] = 1;
    buckets[bucketCount - 1] = 1;
    const figures = { calls: 5, errors: 1, measured: 2, totalNs: 3e12 + 100, minNs: 100, maxNs: 3e12, buckets };
    expect(top).toEqual([{ process: 7, slot: 1, name: "sh", startNs: 2n ** 40n, firstNs: 1, figures }]);
  });

  test("a pair without durations has no shortest one", () => {
    const { all: sum } = decodeInterval(intervalOf([{ process: 7, slot: 231, unmeasured: 1 }]), all);
    expect(sum).toMatchObject({ calls: 1, measured: 0, minNs: Number.POSITIVE_INFINITY, maxNs: 0 });
  });

  test("sums by system call and in all, also over pairs that are not among the first", () => {
    const entries: Entry[] = [1, 2, 3].map((process) => ({ process, slot: 0, errors: 1, calls: [[process * 10, 0]] }));
    const {
      top,
      bySlot,
      all: sum,
      pairs,
      processes,
    } = decodeInterval(intervalOf([...entries, { process: 3, slot: 1, calls: [[5, 0]] }]), { top: 1, top_by: "calls" });
    expect([top.length, pairs, processes]).toEqual([1, 4, 3]);
    expect(bySlot.get(0)).toMatchObject({ calls: 3, errors: 3, totalNs: 60, minNs: 10, maxNs: 30 });
    expect(sum).toMatchObject({ calls: 4, errors: 3, totalNs: 65, minNs: 5, maxNs: 30 });
  });

  test.each([
    ["calls", 1],
    ["errors", 2],
    ["time", 3],
  ] as const)("puts those with the most %s first", (top_by, first) => {
    const interval = intervalOf([
      { process: 1, slot: 0, unmeasured: 9 },
      { process: 2, slot: 0, unmeasured: 5, errors: 5 },
      { process: 3, slot: 0, calls: [[1000, 2]] },
    ]);
    expect(decodeInterval(interval, { top: 1, top_by }).top.map(({ process }) => process)).toEqual([first]);
  });

  test("all pairs of a process have the name of the newest", () => {
    const interval = intervalOf([
      { process: 1, slot: 0, name: "sh", firstNs: 10 },
      { process: 1, slot: 1, name: "sleep", firstNs: 20 },
      { process: 2, slot: 0, name: "cat", firstNs: 30 },
    ]);
    const names = decodeInterval(interval, all).top.map(({ process, name }) => `${process} ${name}`);
    expect(names).toEqual(["1 sleep", "1 sleep", "2 cat"]);
  });

  test("an empty interval is one", () => {
    expect(decodeInterval(intervalOf([]), all)).toMatchObject({ top: [], pairs: 0, processes: 0 });
  });
});

describe("addRest", () => {
  test("adds to the sums, also of a call that has no pair", () => {
    const figures = decodeInterval(intervalOf([{ process: 1, slot: 0, calls: [[10, 0]] }]), all);
    addRest(figures, 0, { calls: 5, errors: 2 });
    addRest(figures, 9, { calls: 1, errors: 0 });
    expect(figures.bySlot.get(0)).toMatchObject({ calls: 6, errors: 2, measured: 1 });
    expect(figures.bySlot.get(9)).toMatchObject({ calls: 1, measured: 0 });
    expect(figures.all).toMatchObject({ calls: 7, errors: 2 });
  });
});
