import { expect, test } from "bun:test";
import { Wake } from "../../src/delivery/wake.ts";
import { createTestClock } from "./test-clock.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("Wake runs its task once a turn however often it is asked", async () => {
  let runs = 0;
  const wake = new Wake(createTestClock(), () => {
    runs += 1;
  });
  wake.soon();
  wake.soon();
  expect(runs).toBe(0);
  await turn();
  expect(runs).toBe(1);
});

test("Wake forgets a later time when it is asked again, and everything when it is closed", async () => {
  const clock = createTestClock();
  let runs = 0;
  const wake = new Wake(clock, () => {
    runs += 1;
  });
  wake.after(1000);
  wake.after(5000);
  clock.advance(2000);
  await turn();
  expect(runs).toBe(0);
  clock.advance(3000);
  await turn();
  expect(runs).toBe(1);
  wake.after(1000);
  wake.soon();
  await turn();
  expect([runs, clock.nextMs()]).toEqual([2, undefined]);
  wake.soon();
  wake.after(10);
  wake.close();
  clock.advance(1000);
  await turn();
  expect(runs).toBe(2);
});
