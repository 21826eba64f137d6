import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { syntheticCollector, syntheticConfigSchema } from "../../../src/collectors/synthetic/index.ts";
import type { ScenarioTruth } from "../../../src/collectors/synthetic/truth-account.ts";
import { type Clock, systemClock } from "../../../src/core/clock.ts";
import type { CollectorContext } from "../../../src/core/collector.ts";
import type { CollectedEvent } from "../../../src/core/event.ts";
import { silentObserver } from "../../../src/core/observer.ts";
import { eventually } from "../../support/eventually.ts";

const folder = mkdtempSync(join(tmpdir(), "amoskys-synthetic-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fixed = { seed: 7, start: "2026-01-05T08:00:00Z", duration_s: 60, rate: 0 };

/** A clock on which time passes faster; timers do not. */
function fastClock(times: number): Clock {
  return { ...systemClock, monotonicMs: () => systemClock.monotonicMs() * times };
}

function create(settings: object, context: Partial<CollectorContext> = {}) {
  const events: CollectedEvent[] = [];
  const truth = join(folder, `${crypto.randomUUID()}.jsonl`);
  const config = syntheticConfigSchema.parse({ ...fixed, truth, ...settings });
  const collector = syntheticCollector.create(
    { config, truthPath: "data/synthetic-truth.jsonl" },
    {
      emit: (event) => events.push(event),
      room: () => Promise.resolve(),
      observer: silentObserver,
      clock: systemClock,
      spawnWorker: () => {
        throw new Error("no worker is needed");
      },
      home: folder,
      ...context,
    },
  );
  const truths = () =>
    readFileSync(config.truth ?? join(folder, "data/synthetic-truth.jsonl"), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as ScenarioTruth & { run: object });
  return { collector, events, truths, truth };
}

async function run(settings: object, context: Partial<CollectorContext> = {}) {
  const made = create(settings, context);
  await made.collector.start();
  await made.collector.done;
  await made.collector.stop(1000);
  return made;
}

function targetOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}

function bytesOf(events: readonly CollectedEvent[]): string {
  return events.map(({ kind, tsNs, payload }) => `${kind} ${tsNs} ${Buffer.from(payload).toString("hex")}`).join("\n");
}

describe("synthetic collector", () => {
  test("ends by itself, with the same bytes and truth at any rate, all marked", async () => {
    const [all, paced] = await Promise.all([run({}), run({ rate: 2000 }, { clock: fastClock(5) })]);
    expect(all.events.length).toBeGreaterThan(1000);
    expect(all.events.every(({ synthetic }) => synthetic === true)).toBe(true);
    expect(bytesOf(paced.events)).toBe(bytesOf(all.events));
    expect(readFileSync(paced.truth)).toEqual(readFileSync(all.truth));
    const counted = all.truths().reduce((sum, { events }) => sum + events, 0);
    expect(counted).toBe(all.events.length);
    expect(all.truths()[0]?.run).toEqual({ seed: 7, start: "2026-01-05T08:00:00.000Z" });
    expect(statSync(all.truth).mode & 0o777).toBe(0o600);
  });

  test("no event comes before it is due", async () => {
    const clock = fastClock(20);
    const beginMs = clock.monotonicMs();
    const atMs: number[] = [];
    const rate = 500;
    await run({ rate, scenarios: ["port-scan"] }, { clock, emit: () => atMs.push(clock.monotonicMs() - beginMs) });
    expect(atMs.length).toBeGreaterThanOrEqual(200);
    expect(atMs.every((ms, n) => ms >= (n * 1000) / rate)).toBe(true);
    const averageRate = (atMs.length - 1) / ((atMs.at(-1) as number) / 1000);
    expect(averageRate).toBeGreaterThan(rate / 2);
  });

  test("without a start, it starts now", async () => {
    const { events } = await run({ start: undefined, scenarios: ["normal-day"], duration_s: 600 });
    const firstMs = Number((events[0]?.tsNs ?? 0n) / 1_000_000n);
    expect(firstMs).toBeWithin(systemClock.wallMs() - 10_000, systemClock.wallMs() + 600_000);
  });

  test("as fast as possible waits for room, and stops while it waits", async () => {
    let rooms = 25;
    const made = create({}, { room: () => (rooms-- > 0 ? Promise.resolve() : new Promise(() => {})) });
    await made.collector.start();
    await Bun.sleep(50);
    expect(made.events.length).toBe(25);
    await made.collector.stop(600_000);
    await made.collector.done;
  }, 10_000);

  test("a stop in the turn of others is seen before there is waited for room", async () => {
    let asked = 0;
    // at the 64th event others have their turn, and room for it never comes
    const made = create({}, { room: () => (++asked < 64 ? Promise.resolve() : new Promise(() => {})) });
    await made.collector.start();
    while (made.events.length < 63) await Promise.resolve();
    // after the last event, before the turn is over
    await made.collector.stop(600_000);
    expect(made.events.length).toBe(63);
  }, 10_000);

  test("an endless run leaves others their turn, and its truth so far when it is stopped", async () => {
    const made = create({ duration_s: 0, truth: undefined });
    await made.collector.start();
    await Bun.sleep(100);
    await made.collector.stop(1000);
    const { length } = made.events;
    await Bun.sleep(20);
    expect(made.events.length).toBe(length);
    const truths = made.truths();
    expect(truths.reduce((sum, { events }) => sum + events, 0)).toBe(length);
    expect(truths.some(({ complete }) => !complete)).toBe(true);
    expect(made.collector.health().message).toContain(join(folder, "data/synthetic-truth.jsonl"));
    expect(made.collector.health().figures.events).toBe(length);
  });

  test("a later run appends to the truth", async () => {
    const truth = join(folder, "twice.jsonl");
    await run({ truth, scenarios: ["beacon"] });
    const { truths } = await run({ truth, scenarios: ["beacon"], seed: 8 });
    expect(truths().map((line) => line.run)).toEqual([
      { seed: 7, start: "2026-01-05T08:00:00.000Z" },
      { seed: 8, start: "2026-01-05T08:00:00.000Z" },
    ]);
  });

  test("a truth file that cannot be made is said at the start", async () => {
    writeFileSync(join(folder, "file"), "");
    const { collector } = create({ truth: join(folder, "file/truth.jsonl") });
    await expect(collector.start()).rejects.toMatchObject({ code: "config_invalid" });
  });

  test("a full disk ends it with an error", async () => {
    const { collector } = create({ truth: "/dev/full" });
    await collector.start();
    await expect(collector.done).rejects.toMatchObject({
      code: "disk_full",
      message: expect.stringMatching(/\/dev\/full: ENOSPC$/),
    });
    // what is under way then is not tried: one error is enough
    await collector.stop(1000);
  });

  test("a disk that is full at the end is told by stop, which releases all the same", async () => {
    const open = () => readdirSync("/proc/self/fd").filter((fd) => targetOf(fd) === "/dev/full").length;
    const { collector } = create({ truth: "/dev/full", duration_s: 0, rate: 1, scenarios: ["normal-day"] });
    await collector.start();
    await eventually("an event", () => (collector.health().figures.events ?? 0) > 0);
    expect(open()).toBe(1);
    await expect(collector.stop(1000)).rejects.toMatchObject({ code: "disk_full" });
    await collector.done;
    expect(open()).toBe(0);
    await collector.stop(1000);
  });
});

describe("synthetic settings", () => {
  test.each([
    { scenarios: ["earthquake"] },
    { scenarios: [] },
    { start: "2026-01-05T08:00:00" },
    { start: "yesterday" },
    { seed: 1.5 },
    { rate: -1 },
    { port: 1 },
  ])("%j is refused", (settings) => {
    expect(syntheticConfigSchema.safeParse(settings).success).toBe(false);
  });
});
