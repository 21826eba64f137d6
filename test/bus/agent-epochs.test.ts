import { describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BusLimits } from "../../src/bus/index.ts";
import { encodePublishEnvelopes } from "../../src/envelope/index.ts";
import { type TestAgent, TestBus } from "../support/test-bus.ts";
import { sealedEnvelope } from "./envelopes.ts";
import { ManualClock } from "./manual-clock.ts";
import { fateOf, StepLog, type UnitShape, unitOf } from "./units.ts";

const hourMs = 3_600_000;
const epochOf = (n: number) => n.toString(16).padStart(16, "0");

/** A log in memory, and an agent that speaks from numbered epochs. */
function createLog(limits: Partial<BusLimits>) {
  const clock = new ManualClock();
  const log = new StepLog(clock, limits);
  const keyOf = (n: number) => ({ agent: "agent", epoch: epochOf(n) });
  const offer = (n: number, shape: UnitShape) => log.sequencer.offer(unitOf({ ...shape, key: keyOf(n) }));
  /** Stores one event of an epoch, and declares lost what comes before it. */
  const store = (n: number, first = 1) => {
    const refusal = offer(n, first === 1 ? { first } : { first, closes: { first: 1, last: first - 1 } });
    log.drain();
    return refusal?.code;
  };
  return { clock, log, offer, store, keyOf };
}

/** Epochs that the log is asked for when an event of each comes again. */
function reopened({ log, keyOf }: ReturnType<typeof createLog>, epochs: readonly number[]): number[] {
  return epochs.filter((n) => {
    const before = log.lookups;
    log.sequencer.standing(keyOf(n), 1);
    return log.lookups > before;
  });
}

describe("the epochs of an agent", () => {
  test("are held so many, those used last", () => {
    const one = createLog({ epochsHeldMax: 4 });
    for (let n = 1; n <= 10; n += 1) {
      one.store(n);
      one.log.sequencer.standing(one.keyOf(1), 1);
    }
    expect(one.log.sequencer.held()).toBe(4);
    expect(one.log.lookups).toBe(10);
    expect(reopened(one, [1, 10, 9, 8])).toEqual([]);
    expect(reopened(one, [7])).toEqual([7]);
  });

  test("are let go of first where they have no gaps, unless they were used lately", () => {
    const one = createLog({ epochsHeldMax: 4 });
    for (const [n, first] of [
      [1, 5],
      [2, 1],
      [3, 1],
      [4, 1],
      [5, 1],
    ]) {
      one.store(n as number, first);
    }
    expect(reopened(one, [1, 3, 4, 5])).toEqual([]);
    const gaps = createLog({ epochsHeldMax: 4 });
    for (const n of [1, 2, 3, 4]) gaps.store(n, 5);
    for (const n of [5, 6, 7, 8]) gaps.store(n);
    expect(reopened(gaps, [7, 8])).toEqual([]);
  });

  test("keep no more gaps than there may be, whatever their number", () => {
    const one = createLog({ gapsHeldMax: 10 });
    for (let n = 1; n <= 20; n += 1) one.store(n, 5);
    expect([9, 10]).toContain(one.log.sequencer.held());
    one.log.restart();
    for (let n = 1; n <= 20; n += 1) one.log.sequencer.standing(one.keyOf(n), 1);
    expect([9, 10]).toContain(one.log.sequencer.held());
    // one alone is served whatever it has
    const alone = createLog({ gapsHeldMax: 1 });
    expect([3, 6, 9].map((first) => alone.store(1, first))).toEqual([undefined, undefined, undefined]);
    expect(alone.log.gapsOf(alone.keyOf(1))).toHaveLength(3);
  });

  test("are not let go of while something of them waits or is in flight: another is asked to wait", () => {
    const one = createLog({ epochsHeldMax: 2, earlyWaitMs: 5000, windowMs: 30_000 });
    one.offer(1, { first: 3 });
    one.offer(2, { first: 1 });
    one.log.begin();
    expect(one.offer(3, { first: 1 })).toMatchObject({ code: "rate_limited", hintMs: 1000 });
    expect(one.offer(1, { first: 1 })).toBeUndefined();
    one.log.drain();
    expect(one.offer(3, { first: 1 })).toBeUndefined();
    one.log.drain();
    expect(one.log.sequencer.held()).toBe(2);
    expect([1, 2, 3].map((n) => one.log.sequences(one.keyOf(n)))).toEqual([[1], [1], [1]]);
    expect(one.log.sequencer.standing(one.keyOf(1), 3).state).toBe("pending");
  });

  test("are not let go of before what waits is collected, nor before what is missing was given up", async () => {
    const one = createLog({ epochsHeldMax: 1, windowMs: 30_000 });
    const unit = unitOf({ first: 5, closes: { first: 4, last: 4 }, key: one.keyOf(1) });
    expect(one.log.sequencer.offer(unit)).toBeUndefined();
    expect(one.offer(2, { first: 1 })?.code).toBe("rate_limited");
    one.log.drain();
    expect(await fateOf(unit)).toBe("stored");
    expect(one.offer(2, { first: 1 })?.code).toBe("rate_limited");
    one.clock.advance(30_000);
    one.log.sequencer.tick();
    one.log.drain();
    expect(one.log.findings).toEqual(["gap 1-3"]);
    expect(one.offer(2, { first: 1 })).toBeUndefined();
  });

  test("that wait for what never comes do not keep others out for longer than the window", () => {
    const one = createLog({ epochsHeldMax: 3, windowMs: 30_000, gapsMax: 1 });
    for (let round = 0; round < 2; round += 1) {
      for (const n of [1, 2, 3]) one.offer(n, { first: 10 * round + 5 });
      one.log.drain();
      for (let seconds = 0; seconds < 31; seconds += 1) {
        one.clock.advance(1000);
        one.log.sequencer.tick();
        one.log.drain();
      }
    }
    expect(one.store(4)).toBeUndefined();
    expect(one.log.sequencer.held()).toBe(3);
  });

  test("begin no more than so many within an hour; the next hour they may, and known ones always", () => {
    const one = createLog({ epochsPerHourMax: 10, epochsHeldMax: 4 });
    const codes = Array.from({ length: 15 }, (_, n) => one.store(n));
    expect(codes).toEqual([...Array(10).fill(undefined), ...Array(5).fill("rate_limited")]);
    expect(one.offer(12, { first: 1 })?.reason).toBe(
      "agent began 10 epochs within an hour: see that its logs outlive its restarts",
    );
    expect([one.store(0, 3), one.log.sequencer.offer(unitOf({ first: 1 }))?.code]).toEqual([undefined, "rate_limited"]);
    expect(one.log.sequencer.offer(unitOf({ first: 1, key: { agent: "other", epoch: epochOf(1) } }))).toBeUndefined();
    one.clock.advance(one.offer(12, { first: 1 })?.hintMs ?? 0);
    expect([one.store(12), one.store(13)]).toEqual([undefined, "rate_limited"]);
    one.clock.advance(hourMs);
    expect(Array.from({ length: 15 }, (_, n) => one.store(100 + n)).filter((code) => !code)).toHaveLength(10);
  });

  test("count once, however often their first event is sent", () => {
    const one = createLog({ epochsPerHourMax: 2 });
    for (let i = 0; i < 10; i += 1) {
      one.offer(1, { first: 1 });
      one.log.commit({ code: "disk_low", reason: "" });
    }
    expect([one.store(1), one.store(2), one.store(3)]).toEqual([undefined, undefined, "rate_limited"]);
  });
});

/** The codes that a call with many envelopes is answered with. */
async function publish(agent: TestAgent, envelopes: readonly Uint8Array[]): Promise<string[]> {
  const { results } = await agent.client.publishEnvelopes(encodePublishEnvelopes(envelopes));
  return results.map(({ code }) => code);
}

/** A log as a killed bus leaves it: neither closed nor written back. */
function crashImage(logPath: string): string {
  const folder = mkdtempSync(join(tmpdir(), "amoskys-killed-"));
  for (const end of ["", "-wal"]) {
    if (existsSync(logPath + end)) copyFileSync(logPath + end, join(folder, `bus.db${end}`));
  }
  return folder;
}

describe("an agent with thousands of epochs", () => {
  const count = 5000;
  const perCall = 500;

  /** One event of an epoch, the same whenever it is asked for. */
  const event = (agent: TestAgent, n: number, sequence = 1, dstPort = 1) => {
    agent.epoch = epochOf(n);
    return sealedEnvelope(agent, sequence, { flow: { dstPort }, idempotencyKey: `${epochOf(n)}.${epochOf(sequence)}` });
  };

  /** An event of sequence 5 that says 2 and 3 are lost: 1 and 4 are missing then. */
  const behindGap = (agent: TestAgent, n: number) => {
    Object.assign(agent, { epoch: epochOf(n), next: 5, prevSig: new Uint8Array() });
    const lost = { firstSequence: 2, lastSequence: 3, count: 2, reason: "shed", startNs: 1n, endNs: 2n };
    return agent.sealOne({ kind: "loss", loss: lost });
  };

  /** What the bus answers to epochs that it let go of long ago. */
  async function judgeOld(bus: TestBus, agent: TestAgent, from: number): Promise<void> {
    const old = Array.from({ length: 20 }, (_, i) => from + i);
    const all = (code: string) => Array(old.length).fill(code);
    const ask = (sequence: number, port?: number) =>
      publish(
        agent,
        old.map((n) => event(agent, n, sequence, port)),
      );
    expect(await ask(1)).toEqual(all("duplicate"));
    expect(await ask(1, 2)).toEqual(all("conflict"));
    expect(await ask(2)).toEqual(all("stored"));
    expect(await ask(2)).toEqual(all("duplicate"));
    expect(await ask(2, 2)).toEqual(all("conflict"));
    expect(bus.bus.health().status).toBe("HEALTHY");
  }

  test("is held in bounded memory, and none of them is forgotten, nor after a restart, nor after a kill", async () => {
    const clock = new ManualClock(Date.now());
    const limits = { epochsPerHourMax: count + 10 };
    const bus = await TestBus.start({ limits, clock });
    const gauges = new Map<string, number>();
    bus.observer.gauge = (metric: string, value: number) => void gauges.set(metric, value);
    const gauge = (name: string) => {
      bus.bus.refreshGauges();
      return gauges.get(name);
    };
    let killed: TestBus | undefined;
    let image: string | undefined;
    try {
      const agent = await bus.agent("agent-1");
      const late = [behindGap(agent, count + 1), behindGap(agent, count + 2), behindGap(agent, count + 3)];
      expect(await publish(agent, late)).toEqual(["stored", "stored", "stored"]);
      for (let n = 1; n <= count; n += perCall) {
        const codes = await publish(
          agent,
          Array.from({ length: perCall }, (_, i) => event(agent, n + i)),
        );
        expect(new Set(codes)).toEqual(new Set(["stored"]));
      }
      expect(gauge("amoskys_bus_epochs_held")).toBeLessThanOrEqual(1024);
      expect(gauge("amoskys_bus_missing_sequences")).toBe(6);
      await judgeOld(bus, agent, 1);

      const fill = (n: number) =>
        publish(
          agent,
          [1, 4, 4].map((sequence) => event(agent, count + n, sequence)),
        );
      expect(await fill(1)).toEqual(["stored", "stored", "duplicate"]);
      expect(gauge("amoskys_bus_missing_sequences")).toBe(4);

      await bus.restart();
      expect(gauge("amoskys_bus_epochs_held")).toBe(0);
      expect(gauge("amoskys_bus_missing_sequences")).toBe(4);
      await judgeOld(bus, agent, 100);
      expect(await fill(1)).toEqual(["duplicate", "duplicate", "duplicate"]);
      expect((await fill(2)).slice(0, 2)).toEqual(["stored", "stored"]);

      image = crashImage(bus.logPath);
      killed = await TestBus.start({ limits, clock, logFolder: image }, bus.authority);
      const again = await killed.agent(agent.name, { keys: [agent.signer] });
      Object.assign(again, { signer: agent.signer });
      await judgeOld(killed, again, 200);
      expect(await publish(again, [event(again, 100), event(again, 100, 2, 2)])).toEqual(["duplicate", "conflict"]);
      expect(
        await publish(
          again,
          [1, 4].map((sequence) => event(again, count + 3, sequence)),
        ),
      ).toEqual(["stored", "stored"]);
    } finally {
      await killed?.stop();
      await bus.stop();
      if (image) rmSync(image, { recursive: true });
    }
  }, 30_000);

  test("is told when it begins too many within an hour, which is counted, and is let in again later", async () => {
    const clock = new ManualClock(Date.now());
    const bus = await TestBus.start({ limits: { epochsPerHourMax: 3 }, clock });
    try {
      const agent = await bus.agent("agent-1");
      const codes = await publish(
        agent,
        [1, 2, 3, 4].map((n) => event(agent, n)),
      );
      expect(codes).toEqual(["stored", "stored", "stored", "rate_limited"]);
      expect(bus.observer.counted("amoskys_bus_messages_failed_total", "agent-1", "rate_limited")).toBe(1);
      const lines = bus.observer.lines.filter(({ fields }) => fields.code === "rate_limited");
      expect(lines.map(({ fields }) => fields.reason)).toEqual([
        "agent-1 began 3 epochs within an hour: see that its logs outlive its restarts",
      ]);
      clock.advance(hourMs);
      expect(await publish(agent, [event(agent, 4)])).toEqual(["stored"]);
    } finally {
      await bus.stop();
    }
  });
});
