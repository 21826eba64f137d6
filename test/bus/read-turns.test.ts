import { expect, test } from "bun:test";
import { ReadTurns } from "../../src/bus/read-turns.ts";
import { ManualClock } from "./manual-clock.ts";

/** Lets readers read pages of 4 ms for a while; answers which of them read when, and when it was over. */
async function readPages(isStoring: boolean) {
  const clock = new ManualClock();
  const sleep = async (ms: number) => {
    clock.advance(ms);
    if (isStoring) turns.noteStored();
  };
  const turns = new ReadTurns({ clock, sleep });
  if (isStoring) turns.noteStored();
  const order: number[] = [];
  const page = (reader: number) => () => {
    order.push(reader);
    clock.advance(4);
  };
  const reader = async (number: number) => {
    for (let i = 0; i < 20; i += 1) await turns.run(page(number));
  };
  await Promise.all([reader(1), reader(2), reader(3)]);
  return { order, elapsedMs: clock.monotonicMs() };
}

test("ReadTurns leaves nine tenths of the time to others while events are stored", async () => {
  const { elapsedMs } = await readPages(true);
  expect(elapsedMs).toBe(60 * 4 + 59 * 36);
});

test("ReadTurns pauses for nothing while no event comes", async () => {
  const { elapsedMs } = await readPages(false);
  expect(elapsedMs).toBe(60 * 4);
});

test("ReadTurns serves readers in turn, and goes on behind a read that fails", async () => {
  const { order } = await readPages(true);
  expect(order.slice(0, 9)).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3]);
  const turns = new ReadTurns({ clock: new ManualClock() });
  const failing = turns.run(() => {
    throw new Error("damaged");
  });
  const next = turns.run(() => "read");
  expect(failing).rejects.toThrow("damaged");
  expect(await next).toBe("read");
});
