import { expect, test } from "bun:test";
import * as fc from "fast-check";
import type { CollectedEvent } from "../../src/core/event.ts";
import { EventQueue } from "../../src/delivery/event-queue.ts";

function event(size: number, tsNs = 1n): CollectedEvent {
  return { kind: "flow", tsNs, payload: new Uint8Array(size) };
}

test("EventQueue refuses above its number of events and above its bytes", () => {
  const byNumber = new EventQueue({ eventsMax: 2, bytesMax: 100 });
  expect([byNumber.put(event(1)), byNumber.put(event(1)), byNumber.put(event(1))]).toEqual([true, true, false]);
  const byBytes = new EventQueue({ eventsMax: 10, bytesMax: 100 });
  expect([byBytes.put(event(60)), byBytes.put(event(41)), byBytes.put(event(40))]).toEqual([true, false, true]);
  expect(byBytes.fill).toBe(1);
});

test("EventQueue peeks up to a number and up to bytes with their overhead, and drops what was stored", () => {
  const queue = new EventQueue({ eventsMax: 100, bytesMax: 1000 });
  for (let i = 0; i < 10; i += 1) queue.put(event(10, BigInt(i)));
  expect(queue.peek(3, 1000, 0).map(({ tsNs }) => tsNs)).toEqual([0n, 1n, 2n]);
  expect(queue.peek(100, 60, 5).length).toBe(4);
  expect(queue.length).toBe(10);
  queue.drop(4);
  expect(queue.peek(1, 1000, 0)[0]?.tsNs).toBe(4n);
  expect([queue.length, queue.bytes]).toEqual([6, 60]);
});

test("EventQueue hands out every event once, in order, under any mix of puts and drops", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constant("put"), fc.integer({ min: 1, max: 40 })), { maxLength: 300 }),
      (steps) => {
        const queue = new EventQueue({ eventsMax: 50, bytesMax: 1 << 20 });
        const [put, taken]: [bigint[], bigint[]] = [[], []];
        for (const [i, step] of steps.entries()) {
          if (step === "put") {
            if (queue.put(event(3, BigInt(i)))) put.push(BigInt(i));
          } else {
            const events = queue.peek(Number(step), 1 << 20, 0);
            taken.push(...events.map(({ tsNs }) => tsNs));
            queue.drop(events.length);
          }
        }
        expect([...taken, ...queue.peek(1000, 1 << 20, 0).map(({ tsNs }) => tsNs)]).toEqual(put);
        expect(queue.bytes).toBe(queue.length * 3);
      },
    ),
  );
});
