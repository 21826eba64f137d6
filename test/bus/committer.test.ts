import { describe, expect, test } from "bun:test";
import { Committer } from "../../src/bus/committer.ts";
import { LegacyLane } from "../../src/bus/legacy-lane.ts";
import { defaultBusLimits } from "../../src/bus/limits.ts";
import { Sequencer } from "../../src/bus/sequencer.ts";
import { LegacyUnit } from "../../src/bus/unit.ts";
import { AmoskysError } from "../../src/core/errors.ts";
import type { AppendBatch, AppendResult } from "../../src/wal/index.ts";
import { ManualClock } from "./manual-clock.ts";
import { emptyLog, fateOf, unitOf } from "./units.ts";

/** A committer whose appends end when the test says so. */
function createHeld() {
  const clock = new ManualClock();
  const sequencer = new Sequencer(defaultBusLimits, clock, emptyLog);
  const legacy = new LegacyLane();
  const appends: { batch: AppendBatch; end: (error?: AmoskysError) => void }[] = [];
  const heard: string[] = [];
  const committer = new Committer({
    append: (batch) =>
      new Promise<AppendResult>((resolve, reject) => {
        const end = (error?: AmoskysError) => (error ? reject(error) : resolve({ firstId: 1, groupIds: [], size: 1 }));
        appends.push({ batch, end });
      }),
    sequencer,
    legacy,
    limits: defaultBusLimits,
    clock,
    lastReceivedNs: 0n,
    onCommit: (plan) => heard.push(`commit ${plan.recordCount}`),
    onDiskFull: () => heard.push("disk full"),
    onFailure: (error) => heard.push(`failed ${error.code}`),
  });
  const offer = (first: number) => {
    const unit = unitOf({ first });
    sequencer.offer(unit);
    committer.kick();
    return unit;
  };
  return { clock, sequencer, legacy, appends, heard, committer, offer };
}

async function turns(count = 3): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe("Committer", () => {
  test("answers nobody before the append returned", async () => {
    const { appends, offer, heard } = createHeld();
    const unit = offer(1);
    await turns();
    expect(appends).toHaveLength(1);
    expect(await fateOf(unit)).toBeUndefined();
    expect(heard).toEqual([]);
    appends[0]?.end();
    await turns();
    expect(await fateOf(unit)).toBe("stored");
    expect(heard).toEqual(["commit 1"]);
  });

  test("what arrives while an append runs goes into one next batch", async () => {
    const { appends, offer } = createHeld();
    offer(1);
    await turns();
    for (let first = 2; first <= 20; first += 1) offer(first);
    await turns();
    expect(appends).toHaveLength(1);
    appends[0]?.end();
    await turns();
    expect(appends.map(({ batch }) => batch.records.length)).toEqual([1, 19]);
    expect(appends[1]?.batch.heads).toMatchObject([{ highest: 20 }]);
  });

  test("a full disk sends everybody away to try again, marks nothing, and later appends work", async () => {
    const { appends, offer, heard, sequencer, committer } = createHeld();
    const first = offer(1);
    await turns();
    const second = offer(2);
    appends[0]?.end(new AmoskysError("disk_full", "The disk is full"));
    await turns();
    expect([await fateOf(first), await fateOf(second)]).toEqual(["disk_low", "disk_low"]);
    expect(heard).toEqual(["disk full"]);
    expect(sequencer.isFresh(first.source, { first: 1, last: 2 })).toBe(true);
    expect([committer.failure, committer.lastFailure?.code]).toEqual([undefined, "disk_full"]);
    const again = offer(1);
    await turns();
    appends[1]?.end();
    await turns();
    expect(await fateOf(again)).toBe("stored");
    expect(committer.lastFailure).toBeUndefined();
  });

  test("any other error stops it for good", async () => {
    const { appends, offer, heard, committer } = createHeld();
    const unit = offer(1);
    await turns();
    appends[0]?.end(new AmoskysError("log_io", "fdatasync failed"));
    await turns();
    expect(await fateOf(unit)).toBe("internal");
    expect(heard).toEqual(["failed log_io"]);
    expect(committer.failure?.code).toBe("log_io");
    offer(1);
    await turns();
    expect(appends).toHaveLength(1);
  });

  test("says how long an append has been running", async () => {
    const { appends, offer, committer, clock } = createHeld();
    expect(committer.appendingMs()).toBe(0);
    offer(1);
    await turns();
    clock.advance(12_000);
    expect(committer.appendingMs()).toBe(12_000);
    appends[0]?.end();
    await turns();
    expect(committer.appendingMs()).toBe(0);
  });

  test("events of earlier agents share the batch, and their key waits until the append is over", async () => {
    const { appends, legacy, committer, offer } = createHeld();
    const bytes = Uint8Array.of(1);
    const record = { tsNs: 1n, kind: "flow" as const, form: "envelope" as const, bytes, leaf: bytes };
    const unit = new LegacyUnit({ agent: "old", key: "k", record, trust: "unsigned", judgedDigest: bytes });
    legacy.offer(unit);
    offer(1);
    committer.kick();
    await turns();
    expect(appends[0]?.batch.records).toMatchObject([
      { source: { agent: "old", epoch: "" }, sequence: 0, legacyKey: "k", trust: "unsigned", state: "settled" },
      { source: { agent: "agent" }, sequence: 1, trust: "verified", state: "settled" },
    ]);
    expect(legacy.find("old", "k")).toBe(unit);
    appends[0]?.end();
    await turns();
    expect(legacy.find("old", "k")).toBeUndefined();
    expect(await fateOf(unit)).toBe("stored");
  });
});
