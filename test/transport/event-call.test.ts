import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { CallRefusal } from "../../src/transport/index.ts";
import { createTestAuthority, type TestAuthority } from "../support/certificates.ts";
import { type BusFixture, startBus } from "./bus-fixture.ts";
import { framed, Http2Peer } from "./http2-peer.ts";

const limitBytes = 4 * 1024 * 1024;
const ok = 0;
const invalidArgument = 3;
const deadlineExceeded = 4;
const permissionDenied = 7;
const resourceExhausted = 8;
const unimplemented = 12;
const internal = 13;
const unavailable = 14;

let authority: TestAuthority;
let bus: BusFixture;
let peer: Http2Peer;
let answer: (bytes: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>;

beforeAll(async () => {
  authority = createTestAuthority();
});
afterAll(() => authority.remove());
beforeEach(async () => {
  answer = async () => Uint8Array.of(8, 0);
  const limits = { guardMs: 50, bodyMs: 400, callMs: 600, bufferedBytesPerConnectionMax: 6 * 1024 * 1024 };
  bus = await startBus({ authority, limits, events: (_peer, _method, bytes, signal) => answer(bytes, signal) });
  peer = await Http2Peer.open(bus);
});
afterEach(async () => {
  peer.close();
  await bus.stop();
});

describe("the exact bytes", () => {
  test.each([
    ["/messaging.EventBus/Publish", "Publish"],
    ["/messaging.UniversalEventBus/Publish", "Publish"],
    ["/messaging.UniversalEventBus/PublishTelemetry", "PublishTelemetry"],
    ["/amoskys.v1.Bus/PublishTree", "PublishTree"],
    ["/amoskys.v1.Bus/PublishEnvelopes", "PublishEnvelopes"],
  ] as const)("of a call to %s reach the handler, and its answer comes back as it is", async (path, method) => {
    // no protobuf decoder would take this, and none is asked
    const sent = Uint8Array.from({ length: 300 }, (_, i) => (i * 7) % 256);
    answer = async () => Uint8Array.of(0xff, 0, 1);
    const got = await peer.call(framed(sent), { ":path": path });
    expect(got.status).toBe(ok);
    expect(got.body).toEqual(framed(Uint8Array.of(0xff, 0, 1)));
    expect(bus.handled).toHaveLength(1);
    expect(bus.handled[0]?.method).toBe(method);
    expect(bus.handled[0]?.bytes).toEqual(sent);
    expect(bus.handled[0]?.peer).toMatchObject({ name: "agent-1", address: "127.0.0.1", clientUse: true });
    expect(bus.observer.counted("amoskys_bus_calls_total", method, "OK")).toBe(1);
  });

  test("may be none", async () => {
    expect((await peer.call(framed(new Uint8Array()))).status).toBe(ok);
    expect(bus.handled[0]?.bytes).toHaveLength(0);
  });

  test("may come in pieces of any size", async () => {
    const sent = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 31) % 256);
    const { stream, answer: got } = peer.open();
    const whole = framed(sent);
    for (let offset = 0, size = 1; offset < whole.length; offset += size, size = (size * 3) % 7919) {
      stream.write(whole.subarray(offset, offset + size));
      if (offset % 2 === 0) await Bun.sleep(0);
    }
    stream.end();
    expect((await got).status).toBe(ok);
    expect(bus.handled[0]?.bytes).toEqual(sent);
  });

  test("are what gzip hides", async () => {
    const sent = new Uint8Array(50_000).fill(3);
    const got = await peer.call(framed(gzipSync(sent), { flag: 1 }), { "grpc-encoding": "gzip" });
    expect(got.status).toBe(ok);
    expect(bus.handled[0]?.bytes).toEqual(sent);
  });
});

describe("sizes", () => {
  test("at the limit pass", async () => {
    expect((await peer.call(framed(new Uint8Array(limitBytes)))).status).toBe(ok);
    expect(bus.handled[0]?.bytes).toHaveLength(limitBytes);
  });

  test("over the limit are refused before the body is there, and not held", async () => {
    const { stream, answer: got } = peer.open();
    stream.write(framed(new Uint8Array(1000), { length: limitBytes + 1 }));
    expect(await got).toMatchObject({ status: resourceExhausted, resetCode: 0 });
    expect(bus.handled).toHaveLength(0);
  });

  test("of which 4 GiB are declared and five bytes sent cost nothing", async () => {
    const beforeBytes = process.memoryUsage.rss();
    for (let i = 0; i < 50; i += 1) {
      const got = await peer.call(framed(new Uint8Array(5), { length: 0xffffffff }));
      expect(got.status).toBe(resourceExhausted);
    }
    expect(process.memoryUsage.rss() - beforeBytes).toBeLessThan(48e6);
  });

  test("over the limit, sent in full, again and again leave memory flat", async () => {
    const large = framed(new Uint8Array(limitBytes + 1));
    await peer.call(large);
    Bun.gc(true);
    const beforeBytes = process.memoryUsage.rss();
    for (let i = 0; i < 20; i += 1) expect((await peer.call(large)).status).toBe(resourceExhausted);
    Bun.gc(true);
    expect(process.memoryUsage.rss() - beforeBytes).toBeLessThan(48e6);
  });

  test("of a message that is small only while it is compressed are refused", async () => {
    const bomb = gzipSync(new Uint8Array(200 * 1024 * 1024));
    const beforeBytes = process.memoryUsage.rss();
    const got = await peer.call(framed(bomb, { flag: 1 }), { "grpc-encoding": "gzip" });
    expect(got.status).toBe(resourceExhausted);
    expect(process.memoryUsage.rss() - beforeBytes).toBeLessThan(64e6);
  });

  test("of all that waits for its answer are bounded per connection", async () => {
    answer = () => Bun.sleep(150).then(() => Uint8Array.of(1));
    const large = framed(new Uint8Array(limitBytes));
    const [first, second] = await Promise.all([peer.call(large), peer.call(large)]);
    expect([first.status, second.status].toSorted()).toEqual([ok, unavailable]);
    expect((await peer.call(large)).status).toBe(ok);
  });
});

describe("what is not one whole message", () => {
  test.each([
    ["two messages", Buffer.concat([framed(Uint8Array.of(1)), framed(Uint8Array.of(2))]), unimplemented],
    ["one message and a byte", Buffer.concat([framed(Uint8Array.of(1)), Buffer.from([0])]), unimplemented],
    ["no message", Buffer.alloc(0), unimplemented],
    ["half a prefix", Buffer.from([0, 0, 0]), internal],
    ["half a message", framed(new Uint8Array(5), { length: 10 }), internal],
    ["a flag that is neither 0 nor 1", framed(Uint8Array.of(1), { flag: 2 }), internal],
    ["a compressed message without grpc-encoding", framed(gzipSync("x"), { flag: 1 }), internal],
  ] as const)("is refused: %s", async (_, body, status) => {
    expect((await peer.call(body)).status).toBe(status);
    expect(bus.handled).toHaveLength(0);
    expect((await peer.call(framed(Uint8Array.of(1)))).status).toBe(ok);
  });

  test("is refused: garbage that calls itself gzip", async () => {
    const got = await peer.call(framed(new Uint8Array(100).fill(9), { flag: 1 }), { "grpc-encoding": "gzip" });
    expect(got.status).toBe(internal);
  });

  test("is refused: an encoding that is not known", async () => {
    const got = await peer.call(framed(Uint8Array.of(1)), { "grpc-encoding": "snappy" });
    expect(got.status).toBe(unimplemented);
  });
});

describe("refusals", () => {
  test("of the handler reach the peer with status and text", async () => {
    answer = async () => {
      throw new CallRefusal("PERMISSION_DENIED", "nö, 100 %\n");
    };
    const got = await peer.call(framed(Uint8Array.of(1)));
    expect(got).toMatchObject({ httpStatus: 200, status: permissionDenied, message: "nö, 100 %\n" });
  });

  test("by accident tell the peer nothing and are logged within a rate", async () => {
    answer = async () => {
      throw new Error("the password is 1234");
    };
    for (let i = 0; i < 30; i += 1) {
      const got = await peer.call(framed(Uint8Array.of(1)));
      expect(got).toMatchObject({ status: internal, message: "internal error" });
    }
    const lines = bus.observer.lines.filter((line) => line.level === "error");
    expect(lines).toHaveLength(5);
    expect(lines[0]?.fields).toMatchObject({ method: "PublishTelemetry", peer: "agent-1" });
    expect(bus.observer.counted("amoskys_bus_calls_total", "PublishTelemetry", "INTERNAL")).toBe(30);
  });
});

describe("time", () => {
  test("that the peer allows is kept, and the handler is told", async () => {
    answer = () => new Promise(() => {});
    const startMs = performance.now();
    const got = await peer.call(framed(Uint8Array.of(1)), { "grpc-timeout": "100m" });
    expect(got.status).toBe(deadlineExceeded);
    expect(performance.now() - startMs).toBeLessThan(400);
    expect(bus.handled[0]?.signal.aborted).toBe(true);
  });

  test("that is malformed is refused", async () => {
    const got = await peer.call(framed(Uint8Array.of(1)), { "grpc-timeout": "soon" });
    expect(got.status).toBe(invalidArgument);
  });

  test("for an answer is limited, whatever the peer allows", async () => {
    answer = () => new Promise(() => {});
    const got = await peer.call(framed(Uint8Array.of(1)), { "grpc-timeout": "99H" });
    expect(got.status).toBe(deadlineExceeded);
    expect(bus.handled[0]?.signal.aborted).toBe(true);
  });

  test("for the request is limited: a body that trickles", async () => {
    const { stream, answer: got } = peer.open();
    const timer = setInterval(() => !stream.destroyed && stream.write(Buffer.alloc(1)), 20);
    stream.write(framed(new Uint8Array(), { length: 1000 }));
    expect(await got).toMatchObject({ status: deadlineExceeded, message: "the request did not arrive in time" });
    clearInterval(timer);
    expect(bus.handled).toHaveLength(0);
  });

  test("for the request is longer for one that comes steadily over a slow link", async () => {
    const { stream, answer: got } = peer.open();
    const whole = framed(new Uint8Array(20_000));
    // 33 bytes a millisecond, for half as long again as a request may take that does not come
    for (let offset = 0; offset < whole.length; offset += 1_000) {
      stream.write(whole.subarray(offset, offset + 1_000));
      await Bun.sleep(30);
    }
    stream.end();
    expect((await got).status).toBe(ok);
  });

  test("for the request is limited: a whole message whose stream stays open", async () => {
    const { stream, answer: got } = peer.open();
    stream.write(framed(Uint8Array.of(1)));
    expect((await got).status).toBe(deadlineExceeded);
    expect(bus.handled).toHaveLength(0);
  });

  test("ends for the handler when the peer resets the call or goes", async () => {
    answer = () => new Promise(() => {});
    const first = peer.open();
    first.stream.end(framed(Uint8Array.of(1)));
    const second = peer.open();
    second.stream.end(framed(Uint8Array.of(2)));
    while (bus.handled.length < 2) await Bun.sleep(5);
    first.stream.close(8);
    await first.answer;
    while (!bus.handled[0]?.signal.aborted) await Bun.sleep(5);
    expect(bus.handled[1]?.signal.aborted).toBe(false);
    peer.close();
    while (!bus.handled[1]?.signal.aborted) await Bun.sleep(5);
    expect(bus.observer.counted("amoskys_bus_calls_total", "PublishTelemetry", "CANCELLED")).toBe(2);
    expect(bus.handled[1]?.signal.reason).toMatchObject({ status: "CANCELLED" });
  });
});
