import { expect, test } from "bun:test";
import { Turns } from "../../src/transport/turns.ts";

test("Turns lets so many in at once, the others in order, and a turn ends once", async () => {
  const turns = new Turns(2);
  const order: number[] = [];
  const ends: (() => void)[] = [];
  for (let i = 0; i < 5; i += 1) {
    void turns.take().then((end) => {
      order.push(i);
      ends.push(end);
    });
  }
  await Bun.sleep(0);
  expect(order).toEqual([0, 1]);
  ends[0]?.();
  ends[0]?.();
  await Bun.sleep(0);
  expect(order).toEqual([0, 1, 2]);
  for (const end of ends.splice(0)) end();
  await Bun.sleep(0);
  expect(order).toEqual([0, 1, 2, 3, 4]);
});
