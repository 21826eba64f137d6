import { expect, test } from "bun:test";
import { orGiveUp } from "../../../src/collectors/scan/give-up.ts";

const never = new Promise<string>(() => {});
const calm = new AbortController().signal;

test("what is asked answers, or rejects, in time", async () => {
  expect(await orGiveUp(Promise.resolve("yes"), 60_000, calm)).toBe("yes");
  expect(orGiveUp(Promise.reject(new Error("no")), 60_000, calm)).rejects.toThrow("no");
});

test("the deadline and an abort end the wait; a rejection after that is nobody's", async () => {
  expect(await orGiveUp(never, 1, calm)).toBeUndefined();
  const stop = new AbortController();
  const late = Promise.withResolvers<string>();
  const asking = orGiveUp(late.promise, 600_000, stop.signal);
  stop.abort();
  expect(await asking).toBeUndefined();
  late.reject(new Error("too late"));
  expect(await orGiveUp(never, 600_000, stop.signal)).toBeUndefined();
});
