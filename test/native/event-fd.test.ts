import { afterEach, describe, expect, test } from "bun:test";
import { createEventFd, type EventFd, Poller, signalEventFd } from "../../src/native/index.ts";

const made: EventFd[] = [];
const create = () => {
  const made_ = createEventFd();
  made.push(made_);
  return made_;
};

afterEach(() => {
  for (const eventFd of made.splice(0)) eventFd.close();
});

describe("event fd", () => {
  test("is readable from a signal until it is cleared", () => {
    const eventFd = create();
    const poller = new Poller();
    poller.watch([eventFd.fd]);
    expect(poller.wait(0)).toBe(0);
    eventFd.signal();
    expect(poller.wait(0)).toBe(1);
    expect(eventFd.clear()).toBe(true);
    expect(eventFd.clear()).toBe(false);
    expect(poller.wait(0)).toBe(0);
  });

  test("is signalled by its number alone", () => {
    const eventFd = create();
    signalEventFd(eventFd.fd);
    expect(eventFd.clear()).toBe(true);
  });

  test("a number that is no descriptor is an error", () => {
    expect(() => signalEventFd(1_000_000)).toThrow(/write\(eventfd\) failed with EBADF/);
  });

  test("close twice closes no descriptor of somebody else", () => {
    const first = create();
    first.close();
    const second = create();
    expect(second.fd).toBe(first.fd);
    first.close();
    second.signal();
    expect(second.clear()).toBe(true);
    expect(first.clear()).toBe(false);
  });
});
