import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { SubscribeRequestSchema, SubscribeResponseSchema } from "../../src/gen/amoskys/v1/bus_pb.ts";
import {
  HealthRequestSchema,
  HealthResponseSchema,
  StatusRequestSchema,
  StatusResponseSchema,
} from "../../src/gen/universal_telemetry_pb.ts";
import { CallRefusal } from "../../src/transport/index.ts";
import { createTestAuthority, type TestAuthority } from "../support/certificates.ts";
import { type BusFixture, type BusFixtureOptions, startBus } from "./bus-fixture.ts";
import { framed, Http2Peer } from "./http2-peer.ts";
import {
  endHeaders,
  endStream,
  frameTypes,
  RawPeer,
  rawFrame,
  callHeaders as rawHeaders,
  settled,
  uint32,
} from "./raw-peer.ts";

const health = { ":path": "/messaging.UniversalEventBus/GetHealth" };
const status = { ":path": "/messaging.UniversalEventBus/GetStatus" };
const subscribe = { ":path": "/amoskys.v1.Bus/Subscribe" };
const subscribeAll = framed(toBinary(SubscribeRequestSchema, create(SubscribeRequestSchema, { kinds: ["flow"] })));

let authority: TestAuthority;
beforeAll(() => {
  authority = createTestAuthority();
});
afterAll(() => authority.remove());

let bus: BusFixture;
let peer: Http2Peer;
async function start(options: BusFixtureOptions = {}): Promise<void> {
  bus = await startBus({ authority, ...options, limits: { guardMs: 50, ...options.limits } });
  peer = await Http2Peer.open(bus);
}
afterEach(async () => {
  peer.close();
  await bus.stop();
});

/** Waits until it holds. */
async function until(holds: () => boolean, withinMs = 3_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error("what was waited for did not happen");
    await Bun.sleep(5);
  }
}

describe("unary calls", () => {
  test("are decoded, answered and counted", async () => {
    await start({
      services: {
        getHealth: async (from, { components }) => ({ overallStatus: `${from.name} asks for ${components}` }),
      },
    });
    const asked = toBinary(HealthRequestSchema, create(HealthRequestSchema, { components: ["log", "disk"] }));
    const got = await peer.call(framed(asked), health);
    expect(got.status).toBe(0);
    const answer = fromBinary(HealthResponseSchema, got.body.subarray(5));
    expect(answer.overallStatus).toBe("agent-1 asks for log,disk");
    const told = await peer.call(framed(toBinary(StatusRequestSchema, create(StatusRequestSchema))), status);
    expect(fromBinary(StatusResponseSchema, told.body.subarray(5)).uptimeSeconds).toBe(7n);
    await until(() => bus.observer.counted("amoskys_bus_calls_total", "GetStatus", "OK") === 1);
    expect(bus.observer.counted("amoskys_bus_calls_total", "GetHealth", "OK")).toBe(1);
  });

  test("are refused with the handler's status; what it did not mean to say stays here", async () => {
    await start({
      services: {
        getHealth: async () => {
          throw new CallRefusal("PERMISSION_DENIED", "not for you");
        },
        getStatus: async () => {
          throw new Error("the password is 1234");
        },
      },
    });
    const refused = await peer.call(framed(new Uint8Array()), health);
    expect(refused.status).toBe(7);
    expect(refused.message).toBe("not for you");
    const got = await peer.call(framed(new Uint8Array()), status);
    expect(got).toMatchObject({ status: 13, message: "internal error" });
    const lines = bus.observer.lines.filter((line) => line.level === "error");
    expect(lines).toHaveLength(1);
    // a logger that writes JSON would make {} of an Error
    expect(JSON.parse(JSON.stringify(lines[0]?.fields))).toMatchObject({
      method: "GetStatus",
      error: "the password is 1234",
      stack: expect.stringContaining("service-calls.test.ts"),
    });
    await until(() => bus.observer.counted("amoskys_bus_calls_total", "GetStatus", "INTERNAL") === 1);
  });

  test("that are not protobuf, or too large, reach no handler", async () => {
    await start();
    expect((await peer.call(framed(Uint8Array.of(0xff, 0xff)), health)).status).toBe(13);
    expect((await peer.call(framed(new Uint8Array(70_000)), health)).status).toBe(8);
    expect(bus.served).toHaveLength(0);
    await until(() => bus.observer.counted("amoskys_bus_calls_total", "GetHealth", "RESOURCE_EXHAUSTED") === 1);
  });

  test("have time limits: the peer's, ours, and one for the request", async () => {
    const signals: AbortSignal[] = [];
    const forever = (_from: unknown, _request: unknown, signal: AbortSignal) => {
      signals.push(signal);
      return new Promise<never>(() => {});
    };
    await start({ limits: { callMs: 300, bodyMs: 200 }, services: { getHealth: forever } });
    const empty = framed(new Uint8Array());
    expect((await peer.call(empty, { ...health, "grpc-timeout": "50m" })).status).toBe(4);
    expect((await peer.call(empty, health)).status).toBe(4);
    expect(signals.map((signal) => signal.aborted)).toEqual([true, true]);
    const { stream, answer } = peer.open(health);
    stream.write(empty.subarray(0, 3));
    expect((await answer).resetCode).toBe(8);
  });

  test("whose method is not built answer UNIMPLEMENTED", async () => {
    await start();
    for (const method of ["PublishBatch", "RegisterDevice", "GetMetrics", "Nothing"]) {
      const got = await peer.call(framed(new Uint8Array()), { ":path": `/messaging.UniversalEventBus/${method}` });
      expect(got.status).toBe(12);
    }
    expect((await peer.call(framed(new Uint8Array()), { ":path": "/" })).status).toBe(12);
  });
});

describe("subscriptions", () => {
  const event = new Uint8Array(4_000);

  test("are streamed in order and end with OK", async () => {
    await start({
      services: {
        async *subscribe(from, { kinds }) {
          for (let id = 1n; id <= 5n; id += 1n) yield { id, agent: from.name, kind: kinds[0] };
        },
      },
    });
    const got = await peer.call(subscribeAll, subscribe);
    expect(got.status).toBe(0);
    const ids: bigint[] = [];
    for (let rest = got.body; rest.length > 0; ) {
      const length = rest.readUInt32BE(1);
      const message = fromBinary(SubscribeResponseSchema, rest.subarray(5, 5 + length));
      expect(message).toMatchObject({ agent: "agent-1", kind: "flow" });
      ids.push(message.id);
      rest = rest.subarray(5 + length);
    }
    expect(ids).toEqual([1n, 2n, 3n, 4n, 5n]);
  });

  test("wait for a peer that does not read, with memory flat, and are ended after a while", async () => {
    let made = 0;
    let ended = false;
    await start({
      limits: { stalledMs: 1_000 },
      services: {
        async *subscribe() {
          try {
            for (;;) yield { id: BigInt(++made), event };
          } finally {
            ended = true;
          }
        },
      },
    });
    const beforeBytes = process.memoryUsage.rss();
    const { stream, answer } = peer.open(subscribe);
    stream.pause();
    stream.end(subscribeAll);
    await until(() => made > 0);
    expect(await settled(() => made)).toBeLessThan(1_000);
    expect(process.memoryUsage.rss() - beforeBytes).toBeLessThan(48e6);
    await until(() => ended);
    stream.resume();
    await answer;
    expect(bus.observer.counted("amoskys_bus_calls_total", "Subscribe", "UNAVAILABLE")).toBe(1);
  });

  test("go on when a peer that was slow reads again, and nothing is mixed up", async () => {
    const count = 4_000;
    await start({
      services: {
        async *subscribe() {
          for (let id = 0; id < count; id += 1) yield { id: BigInt(id), event: new Uint8Array(2_000).fill(id % 251) };
        },
      },
    });
    const { stream, answer } = peer.open(subscribe);
    stream.end(subscribeAll);
    const slow = setInterval(() => {
      stream.pause();
      setTimeout(() => stream.resume(), 10);
    }, 20);
    const got = await answer;
    clearInterval(slow);
    expect(got.status).toBe(0);
    let rest = got.body;
    for (let id = 0; id < count; id += 1) {
      const length = rest.readUInt32BE(1);
      const message = fromBinary(SubscribeResponseSchema, rest.subarray(5, 5 + length));
      if (message.id !== BigInt(id) || message.event.some((byte) => byte !== id % 251))
        throw new Error(`broken at ${id}`);
      rest = rest.subarray(5 + length);
    }
    expect(rest).toHaveLength(0);
  });

  test("wait for a peer whose socket is full, and nothing is mixed up either", async () => {
    const count = 6_000;
    const size = 4_000;
    let made = 0;
    await start({
      services: {
        async *subscribe() {
          for (; made < count; made += 1) yield { id: BigInt(made), event: new Uint8Array(size).fill(made % 251) };
        },
      },
    });
    const raw = await RawPeer.open(bus.port, bus.certificate);
    // windows as large as there are: only the socket itself can hold the server back
    const largest = 2 ** 31 - 1;
    await raw.write(
      rawFrame(frameTypes.settings, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(largest)])),
      rawFrame(frameTypes.windowUpdate, 0, 0, uint32(largest - 65_535)),
      rawFrame(frameTypes.headers, endHeaders, 1, rawHeaders(subscribe[":path"])),
      rawFrame(frameTypes.data, endStream, 1, subscribeAll),
    );
    await raw.until(() => raw.bodies.length > 0);
    raw.socket.pause();
    expect(await settled(() => made)).toBeLessThan(count);
    raw.socket.resume();
    await raw.until(() => raw.bodies.reduce((sum, { length }) => sum + length, 0) > count * size);
    await raw.until(() => made === count);
    let rest = Buffer.concat(raw.bodies);
    for (let id = 0; rest.length > 0; id += 1) {
      const length = rest.readUInt32BE(1);
      const { event } = fromBinary(SubscribeResponseSchema, rest.subarray(5, 5 + length));
      if (event.length !== size || event.some((byte) => byte !== id % 251)) throw new Error(`broken at ${id}`);
      rest = rest.subarray(5 + length);
    }
    raw.end();
  });

  test("end for the handler when the peer resets them, and when it goes", async () => {
    const signals: AbortSignal[] = [];
    await start({
      services: {
        async *subscribe(_from, _request, signal) {
          signals.push(signal);
          yield { id: 1n };
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      },
    });
    const first = peer.open(subscribe);
    first.stream.end(subscribeAll);
    const second = peer.open(subscribe);
    second.stream.end(subscribeAll);
    await until(() => signals.length === 2);
    first.stream.close(8);
    await until(() => signals[0]?.aborted === true);
    expect(signals[1]?.aborted).toBe(false);
    peer.close();
    await until(() => signals[1]?.aborted === true);
    await until(() => bus.observer.counted("amoskys_bus_calls_total", "Subscribe", "CANCELLED") === 2);
    expect(bus.observer.lines.filter((line) => line.level === "error")).toHaveLength(0);
  });

  test("end with UNAVAILABLE when their connection is to be renewed", async () => {
    await start({
      limits: { ageMs: 200 },
      services: {
        async *subscribe(_from, _request, signal) {
          yield { id: 1n };
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      },
    });
    const got = await peer.call(subscribeAll, subscribe);
    expect(got.status).toBe(14);
    expect(got.message).toContain("subscribe again behind the last id");
  });
});
