import { expect, test } from "bun:test";
import { systemTimer } from "../../src/delivery/timer.ts";

test("systemTimer waits where a wait is longer than the runtime can count", async () => {
  let runs = 0;
  const cancel = systemTimer.after(4_294_967_295, () => {
    runs += 1;
  });
  await Bun.sleep(30);
  cancel();
  expect(runs).toBe(0);
});
