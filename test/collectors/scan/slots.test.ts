import { describe, expect, test } from "bun:test";
import { forEachAtOnce, Slots } from "../../../src/collectors/scan/slots.ts";

/** Work that keeps count of how much of it runs. */
function counter() {
  const count = { now: 0, most: 0, done: 0 };
  const work = async () => {
    count.now += 1;
    count.most = Math.max(count.most, count.now);
    await Bun.sleep(1);
    count.now -= 1;
    count.done += 1;
  };
  return { count, work };
}

describe("Slots", () => {
  test("all are used and none more; all work is done", async () => {
    const { count, work } = counter();
    const slots = new Slots(3);
    await Promise.all(Array.from({ length: 20 }, () => slots.run(work)));
    expect(count).toEqual({ now: 0, most: 3, done: 20 });
  });

  test("work that fails gives its slot back", async () => {
    const slots = new Slots(1);
    const failing = slots.run(() => Promise.reject(new Error("no")));
    const next = slots.run(() => Promise.resolve("yes"));
    expect(failing).rejects.toThrow("no");
    expect(await next).toBe("yes");
  });
});

describe("forEachAtOnce", () => {
  test("takes an item only when there is room for it", async () => {
    const { count, work } = counter();
    let taken = 0;
    function* items() {
      for (; taken < 20; taken += 1) {
        expect(taken - count.done).toBeLessThanOrEqual(4);
        yield taken;
      }
    }
    await forEachAtOnce(items(), 4, new AbortController().signal, work);
    expect(count).toEqual({ now: 0, most: 4, done: 20 });
  });

  test("takes no more once it is called off", async () => {
    const stop = new AbortController();
    const seen: number[] = [];
    await forEachAtOnce([1, 2, 3, 4, 5], 1, stop.signal, async (item) => {
      seen.push(item);
      if (item === 2) stop.abort();
    });
    expect(seen).toEqual([1, 2]);
  });

  test("after a failure takes no more, and throws when nothing runs any more", async () => {
    const taken: number[] = [];
    const gate = Promise.withResolvers<void>();
    let ended = 0;
    const all = forEachAtOnce([1, 2, 3, 4, 5], 3, new AbortController().signal, async (item) => {
      taken.push(item);
      if (item === 1) throw new Error("first");
      await gate.promise;
      ended += 1;
      if (item === 2) throw new Error("second");
    });
    let isOver = false;
    const over = all.catch(() => {}).finally(() => (isOver = true));
    await Bun.sleep(1);
    expect([isOver, taken]).toEqual([false, [1, 2, 3]]);
    gate.resolve();
    await over;
    expect(all).rejects.toThrow("first");
    expect([ended, taken]).toEqual([2, [1, 2, 3]]);
  });
});
