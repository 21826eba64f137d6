import { describe, expect, test } from "bun:test";
import { getEventListeners } from "node:events";
import { atMost, awaitOrAbort, pause } from "../../src/core/pause.ts";

const listeners = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

describe("pause", () => {
  test("ends at its time, and leaves nothing behind", async () => {
    const { signal } = new AbortController();
    await pause(5, signal);
    expect(listeners(signal)).toBe(0);
  });

  test("ends at once where the signal aborts, or has aborted", async () => {
    const stop = new AbortController();
    const waits = pause(60_000, stop.signal);
    stop.abort();
    await waits;
    await pause(60_000, stop.signal);
  });
});

describe("awaitOrAbort", () => {
  test("ends with what it waits for, and leaves nothing behind", async () => {
    const { signal } = new AbortController();
    await awaitOrAbort(Bun.sleep(5), signal);
    expect(listeners(signal)).toBe(0);
  });

  test("ends at once where the signal aborts, or has aborted", async () => {
    const stop = new AbortController();
    const never = new Promise(() => {});
    const waits = awaitOrAbort(never, stop.signal);
    stop.abort();
    await waits;
    await awaitOrAbort(never, stop.signal);
  });
});

describe("atMost", () => {
  test("ends with what it waits for, or at its time", async () => {
    let isDone = false;
    await atMost(
      60_000,
      Bun.sleep(5).then(() => {
        isDone = true;
      }),
    );
    expect(isDone).toBe(true);
    await atMost(5, new Promise(() => {}));
  });

  test("throws what it waits for", () => {
    expect(atMost(60_000, Promise.reject(new Error("gone")))).rejects.toThrow("gone");
  });
});
