import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodePublishTree } from "../../src/envelope/index.ts";
import { createTestAuthority, type TestAuthority } from "../support/certificates.ts";
import { mountSmallDisk } from "../support/small-disk.ts";
import { type TestAgent, TestBus } from "../support/test-bus.ts";
import { sealedEnvelope } from "./envelopes.ts";
import { ManualClock } from "./manual-clock.ts";

let authority: TestAuthority;

beforeAll(() => {
  authority = createTestAuthority();
});

afterAll(() => authority.remove());

const payload = new Uint8Array(60_000).fill(7);

/** Sends a large event, the same one until it is taken; answers the codes on the way. */
async function sendLarge(agent: TestAgent, tries: number): Promise<string[]> {
  const bytes = agent.sealOne({ kind: "flow", payload });
  const codes: string[] = [];
  for (let i = 0; i < tries; i += 1) {
    const { code } = await agent.client.publishTelemetry(bytes);
    codes.push(code);
    if (code !== "disk_low") break;
    await Bun.sleep(200);
  }
  return codes;
}

describe("a full disk", () => {
  test("is answered disk_low, loses nothing, and is over without a restart when there is room again", async () => {
    const small = mountSmallDisk(24 << 20);
    if (!small) return;
    let bus: TestBus | undefined;
    try {
      bus = await TestBus.start({ logFolder: small.folder }, authority);
      const agent = await bus.agent("agent-1");
      const filler = join(small.folder, "filler");
      expect(await sendLarge(agent, 1)).toEqual(["stored"]);
      fill(filler);
      let stored = 1;
      let codes = await sendLarge(agent, 3);
      for (; codes[0] === "stored" && stored < 500; codes = await sendLarge(agent, 3)) stored += 1;
      expect(codes).toEqual(["disk_low", "disk_low", "disk_low"]);
      agent.next -= 1;
      rmSync(filler);
      const again = await sendLarge(agent, 40);
      expect(again.at(-1)).toBe("stored");
      expect(bus.stored(agent)).toEqual(Array.from({ length: stored + 1 }, (_, i) => i + 1));
      expect(bus.observer.counted("amoskys_bus_messages_failed_total", "agent-1", "disk_low")).toBeGreaterThan(0);
    } finally {
      await bus?.stop();
      small.unmount();
    }
  }, 20_000);
});

/** Takes all room that there is. */
function fill(path: string): void {
  for (let megabytes = 24; megabytes > 0; megabytes -= 1) {
    try {
      writeFileSync(path, new Uint8Array(megabytes << 20));
      return;
    } catch {
      rmSync(path, { force: true });
    }
  }
}

describe("the timer", () => {
  test("gives a gap up by the clock of the bus, with one line and one count", async () => {
    const clock = new ManualClock(Date.now());
    const bus = await TestBus.start({ clock }, authority);
    try {
      const agent = await bus.agent("agent-1");
      const early = agent.client.publishTelemetry(sealedEnvelope(agent, 4));
      await Bun.sleep(100);
      clock.advance(5_000);
      expect(await early).toMatchObject({ code: "window_full" });
      clock.advance(24_000);
      bus.bus.tick();
      await Bun.sleep(50);
      expect(bus.observer.counted("amoskys_bus_gaps_total", "agent-1")).toBe(0);
      clock.advance(2_000);
      bus.bus.tick();
      await Bun.sleep(50);
      expect(bus.observer.counted("amoskys_bus_gaps_total", "agent-1")).toBe(1);
      const lines = bus.observer.lines.filter(({ message }) => message === "Sequences are missing");
      expect(lines.map(({ fields }) => fields)).toMatchObject([{ agent: "agent-1", first: 1, last: 3 }]);
      expect(await agent.client.publishTelemetry(sealedEnvelope(agent, 4))).toMatchObject({ code: "stored" });
    } finally {
      await bus.stop();
    }
  });

  test("an event whose prev_sig is not the signature before is stored, counted and said", async () => {
    const bus = await TestBus.start({}, authority);
    try {
      const agent = await bus.agent("agent-1");
      await agent.client.publishTree(encodePublishTree(agent.seal(3)));
      agent.prevSig = new Uint8Array(64).fill(1);
      expect((await agent.client.publishTelemetry(agent.sealOne())).code).toBe("stored");
      expect((await agent.client.publishTelemetry(agent.sealOne())).code).toBe("stored");
      expect(bus.observer.counted("amoskys_bus_chain_breaks_total", "agent-1")).toBe(1);
      for (let i = 0; i < 5; i += 1) {
        agent.prevSig = new Uint8Array(64).fill(1);
        await agent.client.publishTelemetry(agent.sealOne());
      }
      expect(bus.observer.counted("amoskys_bus_chain_breaks_total", "agent-1")).toBe(6);
      const lines = bus.observer.lines.filter(({ message }) => message.includes("another signature"));
      expect(lines.map(({ fields }) => fields.sequence)).toEqual([4]);
    } finally {
      await bus.stop();
    }
  });
});
