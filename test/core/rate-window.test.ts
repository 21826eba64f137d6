import { expect, test } from "bun:test";
import { RateWindow } from "../../src/core/rate-window.ts";

test("a rate is that of the last window, be samples many or few", () => {
  const window = new RateWindow(1000);
  expect(window.rateTo(5, 100)).toEqual({ perMs: 0, spanMs: 0 });
  window.add(0, 100);
  expect(window.rateTo(500, 200)).toEqual({ perMs: 0.2, spanMs: 500 });
  window.add(500, 200);
  window.add(1000, 200);
  expect(window.rateTo(1000, 200)).toEqual({ perMs: 0.1, spanMs: 1000 });
  window.add(1500, 200);
  expect(window.rateTo(1500, 200)).toEqual({ perMs: 0, spanMs: 1000 });
  window.add(9000, 950);
  expect(window.rateTo(9000, 950)).toEqual({ perMs: 0.1, spanMs: 7500 });
});
