import { expect, test } from "bun:test";
import fc from "fast-check";
import { TokenBucket } from "../../src/bus/token-bucket.ts";

test("a bucket gives its burst at once, then its rate", () => {
  const bucket = new TokenBucket(10, 20, 0);
  let taken = 0;
  while (bucket.waitMs(0) === 0) {
    bucket.take(1);
    taken += 1;
  }
  expect(taken).toBe(20);
  const waitMs = bucket.waitMs(0);
  expect(bucket.waitMs(waitMs)).toBe(0);
});

test("an agent that was quiet for long has saved up its burst and no more", () => {
  const bucket = new TokenBucket(10, 20, 0);
  const afterMs = 3_600_000;
  let taken = 0;
  for (; bucket.waitMs(afterMs) === 0; taken += 1) bucket.take(1);
  expect(taken).toBe(20);
});

test("a group larger than the burst gets through, and what follows waits for it", () => {
  const bucket = new TokenBucket(100, 100, 0);
  expect(bucket.waitMs(0)).toBe(0);
  bucket.take(500);
  expect(bucket.waitMs(0)).toBeGreaterThanOrEqual(4000);
  expect(bucket.waitMs(3990)).toBeGreaterThan(0);
  expect(bucket.waitMs(4001)).toBe(0);
});

test("over any time no more is taken than burst, rate and one group allow", () => {
  const step = fc.record({ afterMs: fc.nat(2000), count: fc.integer({ min: 1, max: 50 }) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.array(step, { maxLength: 200 }), (rate, steps) => {
      const bucket = new TokenBucket(rate, rate, 0);
      let nowMs = 0;
      let taken = 0;
      for (const { afterMs, count } of steps) {
        nowMs += afterMs;
        if (bucket.waitMs(nowMs) > 0) continue;
        bucket.take(count);
        taken += count;
      }
      expect(taken).toBeLessThanOrEqual(rate + (nowMs * rate) / 1000 + 50);
    }),
  );
});

test("the wait it names is enough", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 512 }), (rate, count) => {
      const bucket = new TokenBucket(rate, 1, 0);
      bucket.take(count);
      const waitMs = bucket.waitMs(0);
      expect(bucket.waitMs(waitMs)).toBe(0);
    }),
  );
});
