import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createTestAuthority, type TestAuthority } from "../support/certificates.ts";
import { type BusFixture, type BusFixtureOptions, startBus } from "./bus-fixture.ts";
import { callHeaders, endHeaders, endStream, frameTypes, RawPeer, rawFrame, uint32 } from "./raw-peer.ts";

let authority: TestAuthority;
beforeAll(() => {
  authority = createTestAuthority();
});
afterAll(() => authority.remove());

const cancel = uint32(8);

/** A peer on a server of its own, both ended afterwards. */
async function withPeer(
  options: BusFixtureOptions,
  run: (peer: RawPeer, bus: BusFixture) => Promise<void>,
): Promise<void> {
  const bus = await startBus({ authority, ...options });
  const peer = await RawPeer.open(bus.port, bus.certificate);
  try {
    await run(peer, bus);
  } finally {
    peer.end();
    await bus.stop();
  }
}

function cut(bus: BusFixture, reason: string): number {
  return bus.observer.counted("amoskys_bus_connections_cut_total", reason);
}

describe("floods end the connection", () => {
  test("of empty CONTINUATION frames, at the ninth", () =>
    withPeer({}, async (peer, bus) => {
      await peer.write(rawFrame(frameTypes.headers, endStream, 1, callHeaders().subarray(0, 1)));
      const sent = await peer.flood(30_000, () => rawFrame(frameTypes.continuation, 0, 1), 9);
      await peer.untilClosed();
      expect(sent).toBeLessThan(200);
      expect(cut(bus, "continuation_flood")).toBe(1);
      expect(bus.handled).toHaveLength(0);
    }));

  test.each([
    ["PRIORITY", (i: number) => rawFrame(frameTypes.priority, 0, 2 * i + 1, Buffer.from([0, 0, 0, 0, 1]))],
    ["WINDOW_UPDATE", () => rawFrame(frameTypes.windowUpdate, 0, 0, uint32(1))],
    ["unknown", () => rawFrame(0x42, 0, 0)],
  ] as const)("of %s frames", (_, make) =>
    withPeer({}, async (peer, bus) => {
      const sent = await peer.flood(60_000, make, 1_000);
      await peer.untilClosed();
      expect(sent).toBeLessThan(60_000);
      expect(cut(bus, "control_flood")).toBe(1);
    }),
  );

  test.each([
    ["PING", () => rawFrame(frameTypes.ping, 0, 0, Buffer.alloc(8))],
    ["SETTINGS", () => rawFrame(frameTypes.settings, 0, 0)],
  ] as const)("of %s frames", (_, make) =>
    withPeer({}, async (peer, bus) => {
      await peer.flood(60_000, make, 1_000);
      await peer.untilClosed();
      expect(cut(bus, "protocol") + cut(bus, "control_flood")).toBe(1);
    }),
  );

  test("of calls that are reset at once", () =>
    withPeer({}, async (peer, bus) => {
      const call = (i: number) =>
        Buffer.concat([
          rawFrame(frameTypes.headers, endHeaders, 2 * i + 1, callHeaders()),
          rawFrame(frameTypes.resetStream, 0, 2 * i + 1, cancel),
        ]);
      const sent = await peer.flood(20_000, call, 50);
      await peer.untilClosed();
      expect(sent).toBeLessThan(1_000);
      expect(cut(bus, "reset_flood") + cut(bus, "protocol")).toBeGreaterThan(0);
    }));

  test("of calls that the server has to reset", () =>
    withPeer({}, async (peer) => {
      const call = (i: number) =>
        Buffer.concat([
          rawFrame(frameTypes.headers, endHeaders, 2 * i + 1, callHeaders()),
          rawFrame(frameTypes.windowUpdate, 0, 2 * i + 1, uint32(0)),
        ]);
      await peer.flood(20_000, call, 50);
      await peer.untilClosed();
    }));

  test("of body frames without a body", () =>
    withPeer({}, async (peer, bus) => {
      await peer.write(rawFrame(frameTypes.headers, endHeaders, 1, callHeaders()));
      await peer.flood(60_000, () => rawFrame(frameTypes.data, 0, 1), 1_000);
      await peer.untilClosed();
      expect(bus.handled).toHaveLength(0);
    }));

  test("of body frames of one byte", () =>
    withPeer({}, async (peer, bus) => {
      await peer.write(rawFrame(frameTypes.headers, endHeaders, 1, callHeaders()));
      await peer.write(rawFrame(frameTypes.data, 0, 1, Buffer.from([0, 0, 0x40, 0, 0])));
      await peer.flood(60_000, () => rawFrame(frameTypes.data, 0, 1, Buffer.alloc(1)), 1_000);
      await peer.untilClosed();
      expect(cut(bus, "small_frame_flood")).toBe(1);
    }));

  test("of open streams, and memory stays flat", () =>
    withPeer({}, async (peer, bus) => {
      const beforeBytes = process.memoryUsage.rss();
      await peer.flood(20_000, (i) => rawFrame(frameTypes.headers, endHeaders, 2 * i + 1, callHeaders()), 100);
      await peer.untilClosed();
      expect(bus.observer.counted("amoskys_bus_calls_total", "Publish", "CANCELLED")).toBeLessThanOrEqual(128);
      expect(process.memoryUsage.rss() - beforeBytes).toBeLessThan(64e6);
    }));

  test("of large headers", () =>
    withPeer({}, async (peer, bus) => {
      const large = Buffer.concat([
        callHeaders(),
        Buffer.from([0x10, 1, 0x61, 0x7f, 0x80, 0x7e]),
        Buffer.alloc(16_255, 0x62),
      ]);
      await peer.write(rawFrame(frameTypes.headers, 0, 1, callHeaders()));
      await peer.flood(400, () => rawFrame(frameTypes.continuation, 0, 1, large.subarray(-16_000)), 4);
      await peer.untilClosed();
      expect(bus.handled).toHaveLength(0);
    }));
});

describe("limits over time", () => {
  const short = { guardMs: 50 };

  test("an idle connection is asked to go and closed", () =>
    withPeer({ limits: { ...short, idleMs: 150 } }, async (peer, bus) => {
      await peer.until(() => peer.goaway !== undefined);
      expect(peer.goaway).toBe(0);
      await peer.untilClosed();
      await peer.until(() => bus.server.connections() === 0);
    }));

  test("an old connection is asked to go, its open call is answered first", () =>
    withPeer(
      {
        limits: { ...short, ageMs: 150 },
        events: async () => {
          await Bun.sleep(500);
          return Uint8Array.of(1);
        },
      },
      async (peer, bus) => {
        await peer.write(
          rawFrame(frameTypes.headers, endHeaders, 1, callHeaders()),
          rawFrame(frameTypes.data, endStream, 1, Buffer.alloc(5)),
        );
        await peer.until(() => peer.goaway !== undefined);
        expect(peer.received).not.toContain(frameTypes.data);
        await peer.untilClosed();
        expect(peer.received).toContain(frameTypes.data);
        expect(bus.observer.counted("amoskys_bus_calls_total", "Publish", "OK")).toBe(1);
      },
    ));

  test("a call that was on its way when the connection was asked to go is answered", () =>
    withPeer({ limits: { ...short, ageMs: 100 } }, async (peer, bus) => {
      await peer.until(() => peer.goaway !== undefined);
      await peer.write(
        rawFrame(frameTypes.headers, endHeaders, 1, callHeaders()),
        rawFrame(frameTypes.data, endStream, 1, Buffer.alloc(5)),
      );
      await peer.untilClosed();
      expect(peer.received).toContain(frameTypes.data);
      expect(bus.handled).toHaveLength(1);
    }));

  test("what is still open after the grace is cut off", () =>
    withPeer(
      { limits: { ...short, ageMs: 100, graceMs: 200 }, events: () => new Promise(() => {}) },
      async (peer, bus) => {
        await peer.write(
          rawFrame(frameTypes.headers, endHeaders, 1, callHeaders()),
          rawFrame(frameTypes.data, endStream, 1, Buffer.alloc(5)),
        );
        await peer.untilClosed();
        expect(cut(bus, "overstayed")).toBe(1);
        expect(bus.handled[0]?.signal.aborted).toBe(true);
      },
    ));

  test("a silent peer is asked for a sign of life; one that answers stays, one that does not is cut off", () =>
    withPeer({ limits: { ...short, keepaliveMs: 150 } }, async (peer, bus) => {
      await peer.until(() => peer.received.includes(frameTypes.ping));
      await peer.write(rawFrame(frameTypes.ping, 1, 0, Buffer.alloc(8)));
      await Bun.sleep(100);
      expect(bus.server.connections()).toBe(1);
      await peer.untilClosed();
      expect(cut(bus, "silent")).toBe(1);
    }));

  test("a peer that does not read its answers is cut off", () =>
    withPeer({ limits: { ...short, stalledMs: 200 }, events: async () => new Uint8Array(1_000) }, async (peer, bus) => {
      // SETTINGS_INITIAL_WINDOW_SIZE 0: nothing may be sent to it
      await peer.write(rawFrame(frameTypes.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0])));
      await peer.write(
        rawFrame(frameTypes.headers, endHeaders, 1, callHeaders()),
        rawFrame(frameTypes.data, endStream, 1, Buffer.alloc(5)),
      );
      await peer.untilClosed();
      expect(cut(bus, "unread")).toBe(1);
    }));
});
