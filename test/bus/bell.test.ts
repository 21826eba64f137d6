import { describe, expect, test } from "bun:test";
import { Bell } from "../../src/bus/bell.ts";

const never = new AbortController().signal;

describe("Bell", () => {
  test("wakes everyone who waits, and nobody twice", async () => {
    const bell = new Bell();
    const waits = [bell.wait(60_000, never), bell.wait(60_000, never)];
    expect(bell.waiting).toBe(2);
    bell.ring();
    await Promise.all(waits);
    expect(bell.waiting).toBe(0);
    bell.ring();
  });

  test("ends after its time and when the signal aborts, and then nothing of it is kept", async () => {
    const bell = new Bell();
    const abort = new AbortController();
    const wait = bell.wait(60_000, abort.signal);
    abort.abort();
    await wait;
    await bell.wait(60_000, abort.signal);
    await Promise.all(Array.from({ length: 1000 }, () => bell.wait(1, never)));
    expect(bell.waiting).toBe(0);
  });
});
