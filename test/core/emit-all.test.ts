import { describe, expect, test } from "bun:test";
import { emitAll } from "../../src/core/emit-all.ts";
import type { CollectedEvent } from "../../src/core/event.ts";

const event = (bytes: number): CollectedEvent => ({ kind: "device", tsNs: 0n, payload: new Uint8Array(bytes) });
const never = () => new Promise<void>(() => {});

/** What was emitted, and before which events room was asked for. */
function createSink(room: (asked: number) => Promise<void> = async () => {}) {
  const emitted: CollectedEvent[] = [];
  const askedAt: number[] = [];
  return {
    emitted,
    askedAt,
    emit: (one: CollectedEvent) => void emitted.push(one),
    room: () => room(askedAt.push(emitted.length)),
  };
}

describe("emitAll", () => {
  test("asks for room by number and by bytes", async () => {
    const many = createSink();
    await emitAll(many, Array(600).fill(event(1)), new AbortController().signal);
    expect([many.emitted.length, many.askedAt]).toEqual([600, [0, 256, 512]]);
    const large = createSink();
    await emitAll(large, Array(25).fill(event(100_000)), new AbortController().signal);
    expect([large.emitted.length, large.askedAt]).toEqual([25, [0, 11, 22]]);
  });

  test("waits for room, but not for ever, and hands on all the same", async () => {
    const gate = Promise.withResolvers<void>();
    const slow = createSink((asked) => (asked === 1 ? gate.promise : Promise.resolve()));
    const handed = emitAll(slow, [event(1)], new AbortController().signal);
    await Bun.sleep(10);
    expect(slow.emitted).toEqual([]);
    gate.resolve();
    await handed;
    expect(slow.emitted).toHaveLength(1);
    const full = createSink(never);
    await emitAll(full, Array(600).fill(event(1)), new AbortController().signal, 20);
    expect(full.emitted).toHaveLength(600);
  });

  test("lets others run, also where there is no room any more", async () => {
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    });
    const busy = createSink(never);
    const slow = (function* () {
      for (let n = 0; n < 2000; n += 1) {
        const endMs = performance.now() + 0.02;
        while (performance.now() < endMs);
        yield event(1);
      }
    })();
    await emitAll(busy, slow, new AbortController().signal, 5);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });

  test("an abort ends the waiting, and nothing is held back", async () => {
    const stop = new AbortController();
    const full = createSink(never);
    const handed = emitAll(full, Array(600).fill(event(1)), stop.signal, 60_000);
    stop.abort();
    await handed;
    expect(full.emitted).toHaveLength(600);
  });
});
