import { afterAll, describe, expect, test } from "bun:test";
import { createEventFd, Poller } from "../../src/native/index.ts";

const first = createEventFd();
const second = createEventFd();

afterAll(() => {
  first.close();
  second.close();
});

describe("poller", () => {
  test("answers which of several descriptors is readable", () => {
    const poller = new Poller();
    poller.watch([first.fd, second.fd]);
    second.signal();
    expect(poller.wait(1000)).toBe(1);
    expect(poller.readable(first.fd)).toBe(false);
    expect(poller.readable(second.fd)).toBe(true);
    expect(poller.failed(second.fd)).toBe(false);
    expect(second.clear()).toBe(true);
  });

  test("gives up after its time", () => {
    const poller = new Poller();
    poller.watch([first.fd]);
    const before = performance.now();
    expect(poller.wait(30)).toBe(0);
    expect(performance.now() - before).toBeGreaterThanOrEqual(29);
  });

  test("watches nothing at all without an error", () => {
    const poller = new Poller();
    expect(poller.wait(0)).toBe(0);
    poller.watch([]);
    expect(poller.wait(0)).toBe(0);
  });

  test("a closed descriptor has failed, an unwatched one has nothing", () => {
    const closed = createEventFd();
    closed.close();
    const poller = new Poller();
    poller.watch([closed.fd]);
    expect(poller.wait(0)).toBe(1);
    expect(poller.failed(closed.fd)).toBe(true);
    expect(poller.readable(first.fd)).toBe(false);
  });
});
