import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { constants, createSecureServer, performServerHandshake, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { create, toBinary } from "@bufbuild/protobuf";
import { systemClock } from "../../src/core/clock.ts";
import type { AmoskysError } from "../../src/core/errors.ts";
import { PublishTreeResponseSchema, type SubscribeResponse } from "../../src/gen/amoskys/v1/bus_pb.ts";
import { UniversalAck_Status, UniversalAckSchema } from "../../src/gen/universal_telemetry_pb.ts";
import { type BusClient, type BusClientOptions, CallRefusal, createBusClient } from "../../src/transport/index.ts";
import { createTestAuthority, type IssuedCertificate, type TestAuthority } from "../support/certificates.ts";
import { type BusFixture, type BusFixtureOptions, RecordingObserver, startBus } from "./bus-fixture.ts";
import {
  endHeaders,
  endStream,
  FrameSplitter,
  frameTypes,
  literal,
  preface,
  rawFrame,
  settled,
  uint32,
} from "./raw-peer.ts";

let authority: TestAuthority;
let rogue: TestAuthority;
let certificate: IssuedCertificate;
beforeAll(() => {
  authority = createTestAuthority();
  rogue = createTestAuthority();
  certificate = authority.client("agent-1");
});
afterAll(() => {
  authority.remove();
  rogue.remove();
});

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function bus(options: BusFixtureOptions = {}): Promise<BusFixture> {
  const started = await startBus({ authority, ...options });
  ends.push(() => started.stop());
  return started;
}

function client(port: number, options: Partial<BusClientOptions> = {}): BusClient {
  const made = createBusClient({
    address: `localhost:${port}`,
    tls: certificate,
    observer: new RecordingObserver(),
    clock: systemClock,
    ...options,
  });
  ends.push(() => made.close());
  return made;
}

function failure(promise: Promise<unknown>): Promise<AmoskysError> {
  return promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (caught: AmoskysError) => caught,
  );
}

const ack = toBinary(UniversalAckSchema, create(UniversalAckSchema, { code: "stored" }));

describe("calls", () => {
  test("carry the exact bytes there and the decoded ack back", async () => {
    const server = await bus({
      events: async (_peer, method) => {
        if (method === "PublishTelemetry") return ack;
        const results = [{ status: UniversalAck_Status.RETRY, code: "window_full" }];
        return toBinary(PublishTreeResponseSchema, create(PublishTreeResponseSchema, { results, backoffHintMs: 5 }));
      },
    });
    const own = client(server.port);
    const sent = Uint8Array.from({ length: 500 }, (_, i) => (i * 13) % 256);
    expect((await own.publishTelemetry(sent)).code).toBe("stored");
    expect(await own.publishTree(sent)).toMatchObject({ results: [{ code: "window_full" }], backoffHintMs: 5 });
    expect((await own.publishEnvelopes(sent)).results[0]?.status).toBe(UniversalAck_Status.RETRY);
    expect(server.handled.map(({ method }) => method)).toEqual(["PublishTelemetry", "PublishTree", "PublishEnvelopes"]);
    for (const { bytes } of server.handled) expect(bytes).toEqual(sent);
    expect((await own.getHealth()).overallStatus).toBe("HEALTHY");
    expect((await own.getStatus()).uptimeSeconds).toBe(7n);
    expect(server.observer.counted("amoskys_bus_connections_opened_total")).toBe(1);
  });

  test("share one connection, however many begin at once, and a bound holds for those in flight", async () => {
    let inFlight = 0;
    let most = 0;
    const server = await bus({
      events: async () => {
        inFlight += 1;
        most = Math.max(most, inFlight);
        await Bun.sleep(5);
        inFlight -= 1;
        return ack;
      },
    });
    const own = client(server.port, { inFlightMax: 8 });
    const codes = await Promise.all(Array.from({ length: 100 }, () => own.publishTelemetry(Uint8Array.of(1))));
    expect(codes.every(({ code }) => code === "stored")).toBe(true);
    expect(most).toBe(8);
    expect(server.observer.counted("amoskys_bus_connections_opened_total")).toBe(1);
  });

  test("of 4 MiB pass in both directions", async () => {
    const reason = "x".repeat(3_000_000);
    const server = await bus({
      events: async () => toBinary(UniversalAckSchema, create(UniversalAckSchema, { reason })),
    });
    const answer = await client(server.port).publishTelemetry(new Uint8Array(4 * 1024 * 1024));
    expect(answer.reason).toBe(reason);
  });

  test("over an IPv4 address, whose name in the certificate is compared", async () => {
    const server = await bus();
    await client(server.port, { address: `127.0.0.1:${server.port}` }).publishTelemetry(new Uint8Array());
    expect(server.handled).toHaveLength(1);
  });

  test.each([
    ["UNAVAILABLE", "unreachable"],
    ["DEADLINE_EXCEEDED", "timeout"],
    ["UNAUTHENTICATED", "identity_refused"],
    ["PERMISSION_DENIED", "identity_refused"],
    ["RESOURCE_EXHAUSTED", "message_too_large"],
    ["UNIMPLEMENTED", "unimplemented"],
    ["INTERNAL", "internal"],
    ["INVALID_ARGUMENT", "internal"],
  ] as const)("answered %s fail as %s", async (status, code) => {
    const server = await bus({
      events: async () => {
        throw new CallRefusal(status, "no ü\u001b[31m");
      },
    });
    const caught = await failure(client(server.port).publishTelemetry(new Uint8Array()));
    expect(caught).toMatchObject({ code, details: { grpcStatus: status } });
    expect(caught.message).toBe(`The bus at localhost:${server.port} answered ${status}: no ü\\x1b[31m`);
  });

  test("that the caller gives up end at once, here and at the bus", async () => {
    const server = await bus({ events: () => new Promise(() => {}) });
    const own = client(server.port);
    const abort = new AbortController();
    const call = failure(own.publishTree(new Uint8Array(), abort.signal));
    while (server.handled.length === 0) await Bun.sleep(5);
    abort.abort();
    expect((await call).code).toBe("interrupted");
    while (!server.handled[0]?.signal.aborted) await Bun.sleep(5);
    expect((await failure(own.publishTree(new Uint8Array(), abort.signal))).code).toBe("interrupted");
  });

  test("fail when the client is closed, and so do later ones", async () => {
    const server = await bus({ events: () => new Promise(() => {}) });
    const own = client(server.port);
    const call = failure(own.publishTree(new Uint8Array()));
    while (server.handled.length === 0) await Bun.sleep(5);
    await own.close();
    await own.close();
    expect((await call).code).toBe("interrupted");
    expect((await failure(own.getHealth())).code).toBe("interrupted");
  });
});

describe("a bus that is not there", () => {
  test("is unreachable, with what to run next", async () => {
    const caught = await failure(client(1).publishTree(new Uint8Array()));
    expect(caught).toMatchObject({
      code: "unreachable",
      details: { grpcStatus: "UNAVAILABLE", address: "localhost:1" },
    });
    expect(caught.message).toContain("The bus at localhost:1 cannot be reached");
    expect(caught.hint).toContain("amoskys bus serve");
  });

  test("has a name that is not known", async () => {
    const own = client(1, { address: "bus.invalid:50051" });
    expect((await failure(own.getHealth())).code).toBe("unreachable");
  });

  test("never answers the handshake: timeout", async () => {
    const port = await plainServer(() => {});
    const caught = await failure(client(port, { connectTimeoutMs: 200 }).getHealth());
    expect(caught.code).toBe("timeout");
  });

  test("speaks something else: unreachable", async () => {
    const port = await plainServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    const caught = await failure(client(port).getHealth());
    expect(caught.code).toBe("unreachable");
    expect(caught.message).toContain("is no bus");
  });

  test("closes before the handshake: unreachable, not a matter of identity", async () => {
    const port = await plainServer((socket) => socket.destroy());
    expect((await failure(client(port).getHealth())).code).toBe("unreachable");
  });

  test("does not answer a call in time: timeout, and the next call has a new connection", async () => {
    const server = await bus({ events: () => new Promise(() => {}) });
    const own = client(server.port, { callTimeoutMs: 150 });
    expect((await failure(own.publishTree(new Uint8Array()))).code).toBe("timeout");
    expect((await own.getHealth()).overallStatus).toBe("HEALTHY");
    expect(server.observer.counted("amoskys_bus_connections_opened_total")).toBe(2);
  });
});

describe("certificates", () => {
  const refused: [string, () => IssuedCertificate][] = [
    ["none", () => ({ ...certificate, cert: "", key: "" })],
    ["another authority's", () => ({ ...rogue.client("agent-1"), ca: authority.ca })],
    ["an expired one", () => authority.issue({ subject: "/CN=agent-1", notAfter: new Date(Date.now() - 1000) })],
    ["a server's", () => authority.issue({ subject: "/CN=agent-1", use: "server" })],
    ["one with two names", () => authority.issue({ subject: "/CN=agent-1/CN=admin" })],
  ];

  test.each(refused)("of ours that the bus refuses are a matter of identity: %s", async (_, issue) => {
    const server = await bus();
    const caught = await failure(client(server.port, { tls: issue() }).publishTree(new Uint8Array()));
    expect(caught.code).toBe("identity_refused");
    // what the bus answers by itself it says with a reason, after the handshake
    const isAnswered = caught.message.includes("answered UNAUTHENTICATED: ");
    expect(caught.hint).toBe(isAnswered ? "amoskys trust list (where the bus runs)" : "amoskys certs check");
    expect(caught.details.grpcStatus).toBe("UNAUTHENTICATED");
    expect(server.handled).toHaveLength(0);
  });

  test("of ours that was revoked is a matter of identity", async () => {
    const revoked = authority.client("revoked");
    const server = await bus({ crl: authority.revoke(revoked) });
    const caught = await failure(client(server.port, { tls: revoked }).getHealth());
    expect(caught.code).toBe("identity_refused");
    expect(caught.message).toContain("does not accept our certificate");
  });

  test.each([
    ["closes", (socket: TLSSocket) => socket.destroy()],
    ["resets", (socket: TLSSocket) => socket.resetAndDestroy()],
  ] as const)("of ours are not blamed for a bus that %s one connection, as one does that ends", async (_, end) => {
    const { ca, cert, key } = authority.server();
    let connections = 0;
    const server = createTlsServer({ ca, cert, key, ALPNProtocols: ["h2"], requestCert: true }, (socket) => {
      connections += 1;
      socket.on("error", () => {});
      if (connections === 1) {
        setTimeout(() => end(socket), 20);
        return;
      }
      const session = performServerHandshake(socket);
      session.on("stream", (stream) => answer(stream, {}, Buffer.alloc(5)));
      ends.push(() => session.destroy());
    });
    await client(await listening(server)).getHealth();
    expect(connections).toBe(2);
  });

  test("of the bus from another authority are refused", async () => {
    const server = await bus({ authority: rogue });
    const caught = await failure(client(server.port).getHealth());
    expect(caught.code).toBe("identity_refused");
    expect(caught.message).toContain("The certificate of the bus at localhost");
    expect(server.served).toHaveLength(0);
  });

  test("of the bus for another host are refused, and the line says for which it is", async () => {
    const server = await bus();
    const other = authority.issue({ subject: "/CN=x", use: "server", names: ["DNS:bus.example", "IP:192.0.2.1"] });
    server.server.setTls(other);
    const caught = await failure(client(server.port).getHealth());
    expect(caught.code).toBe("identity_refused");
    expect(caught.message).toContain("is for another host: it is for DNS:bus.example, IP Address:192.0.2.1");
    expect(caught.hint).toContain("agent.bus_address");
  });

  test("of a client in place of the bus's are refused", async () => {
    const server = await bus();
    server.server.setTls(authority.issue({ subject: "/CN=localhost", names: ["DNS:localhost"], use: "client" }));
    expect((await failure(client(server.port).getHealth())).code).toBe("identity_refused");
  });

  test("that come later are used for what comes after, and calls in flight are answered", async () => {
    let go = () => {};
    const wait = new Promise<void>((resolve) => {
      go = resolve;
    });
    const server = await bus({ events: async ({ name }) => (name === "agent-1" ? wait.then(() => ack) : ack) });
    const own = client(server.port);
    const first = own.publishTelemetry(new Uint8Array());
    while (server.handled.length === 0) await Bun.sleep(5);
    own.setTls(authority.client("agent-2"));
    await own.publishTelemetry(new Uint8Array());
    go();
    expect((await first).code).toBe("stored");
    expect(server.handled.map(({ peer }) => peer.name)).toEqual(["agent-1", "agent-2"]);
    while (server.server.connections() !== 1) await Bun.sleep(5);
  });
});

describe("a connection that is lost", () => {
  test("fails its calls as unreachable, and the next call makes another on the same port", async () => {
    const first = await startBus({ authority, events: () => new Promise(() => {}) });
    const own = client(first.port);
    const call = failure(own.publishTree(new Uint8Array()));
    while (first.handled.length === 0) await Bun.sleep(5);
    await first.server.stop(0);
    expect((await call).code).toBe("unreachable");
    expect((await failure(own.getHealth())).code).toBe("unreachable");
    const second = await bus({ port: first.port });
    expect((await own.getHealth()).overallStatus).toBe("HEALTHY");
    expect(second.served).toEqual(["GetHealth"]);
  });

  test("because it was old is replaced without a failed call", async () => {
    const server = await bus({ limits: { ageMs: 100, guardMs: 20 }, events: async () => ack });
    const own = client(server.port);
    const endMs = performance.now() + 1_500;
    let calls = 0;
    const worker = async () => {
      for (; performance.now() < endMs; calls += 1) await own.publishTelemetry(Uint8Array.of(1));
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    expect(calls).toBe(server.handled.length);
    expect(server.observer.counted("amoskys_bus_connections_opened_total")).toBeGreaterThan(4);
  });

  test("whose bus stands still is found out while a stream is open, and by the call's own limit", async () => {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "stopped-bus.ts")], {
      stdin: new Blob([JSON.stringify(authority.server())]),
      stdout: "pipe",
    });
    ends.push(() => {
      child.kill("SIGKILL");
      return child.exited;
    });
    const reader = child.stdout.getReader();
    const port = Number(new TextDecoder().decode((await reader.read()).value));
    const own = client(port, { keepaliveMs: 300, callTimeoutMs: 10_000, connectTimeoutMs: 300 });
    const events = own.subscribe({}, new AbortController().signal)[Symbol.asyncIterator]();
    expect((await events.next()).value.id).toBe(1n);
    const next = failure(events.next());
    // a healthy silence lasts
    expect(await Promise.race([next, Bun.sleep(900).then(() => "silent")])).toBe("silent");
    child.kill("SIGSTOP");
    const startMs = performance.now();
    const [stream, call] = await Promise.all([next, failure(own.getHealth())]);
    expect([stream.code, call.code]).toEqual(["timeout", "timeout"]);
    expect(performance.now() - startMs).toBeLessThan(1_500);
    expect((await failure(own.getHealth())).code).toBe("timeout");
    child.kill("SIGCONT");
    expect((await own.getHealth()).overallStatus).toBe("HEALTHY");
  });

  test("with a call that the bus has not looked at makes it again", async () => {
    const seen: number[] = [];
    const { ca, cert, key } = authority.server();
    const server = createTlsServer({ ca, cert, key, ALPNProtocols: ["h2"], requestCert: true }, (socket) => {
      const splitter = new FrameSplitter();
      let skipped = 0;
      socket.on("error", () => {});
      socket.write(rawFrame(frameTypes.settings, 0, 0));
      socket.on("data", (chunk: Buffer) => {
        const start = Math.min(preface.length - skipped, chunk.length);
        skipped += start;
        for (const { type, stream } of splitter.push(chunk.subarray(start))) {
          if (type !== frameTypes.headers) continue;
          seen.push(stream);
          if (seen.length === 1) socket.write(rawFrame(frameTypes.resetStream, 0, stream, uint32(7)));
          else socket.write(emptyAnswer(stream));
        }
      });
      ends.push(() => socket.destroy());
    });
    await client(await listening(server)).getHealth();
    expect(seen).toEqual([1, 3]);
  });
});

describe("answers that are none", () => {
  test.each([
    ["HTTP 503", (stream: ServerHttp2Stream) => answer(stream, { ":status": 503 }), "unreachable"],
    ["HTTP 404", (stream: ServerHttp2Stream) => answer(stream, { ":status": 404 }), "unimplemented"],
    ["HTTP 403", (stream: ServerHttp2Stream) => answer(stream, { ":status": 403 }), "identity_refused"],
    ["no status", (stream: ServerHttp2Stream) => answer(stream, { ":status": 200 }), "unreachable"],
    ["OK and no message", (stream: ServerHttp2Stream) => answer(stream, { "grpc-status": "0" }), "internal"],
    ["two messages", (stream: ServerHttp2Stream) => answer(stream, {}, Buffer.alloc(10)), "internal"],
    ["half a message", (stream: ServerHttp2Stream) => answer(stream, {}, Buffer.from([0, 0, 0, 0, 9, 1])), "internal"],
    ["a compressed one", (stream: ServerHttp2Stream) => answer(stream, {}, Buffer.from([1, 0, 0, 0, 0])), "internal"],
    ["one of 2 GiB", (stream: ServerHttp2Stream) => answer(stream, {}, Buffer.from([0, 128, 0, 0, 0])), "internal"],
    ["no protobuf", (stream: ServerHttp2Stream) => answer(stream, {}, Buffer.from([0, 0, 0, 0, 1, 255])), "internal"],
    ["a reset", (stream: ServerHttp2Stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR), "unreachable"],
  ] as const)("fail by class: %s", async (_, reply, code) => {
    const port = await rawBus(reply);
    expect((await failure(client(port).getHealth())).code).toBe(code);
  });

  test("an answer without end is given up at its second message", async () => {
    let written = 0;
    const port = await rawBus((stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      const more = () => {
        for (let n = 0; n < 100 && !stream.closed; n += 1) {
          stream.write(Buffer.alloc(5000));
          written += 1000;
        }
        if (!stream.closed) setImmediate(more);
      };
      more();
    });
    const { code, message } = await failure(client(port).getHealth());
    expect([code, message]).toEqual(["internal", expect.stringContaining("more than one message")]);
    expect(written).toBeLessThan(10_000_000);
  });
});

describe("subscribe", () => {
  async function* counting(_peer: unknown, _request: unknown, signal: AbortSignal) {
    for (let id = 1n; !signal.aborted; id += 1n) {
      yield { id, event: new Uint8Array(4_000) };
      made = id;
    }
  }
  let made = 0n;

  test("hands on what comes, in order, until the caller leaves", async () => {
    made = 0n;
    const server = await bus({ services: { subscribe: counting } });
    const got: bigint[] = [];
    for await (const { id } of client(server.port).subscribe({ kinds: ["flow"] }, new AbortController().signal)) {
      got.push(id);
      if (got.length === 500) break;
    }
    expect(got).toEqual(Array.from({ length: 500 }, (_, i) => BigInt(i + 1)));
    while (server.observer.counted("amoskys_bus_calls_total", "Subscribe", "CANCELLED") === 0) await Bun.sleep(5);
  });

  test("reads no further than its reader, with memory flat on both sides", async () => {
    made = 0n;
    const server = await bus({ services: { subscribe: counting } });
    const events = client(server.port).subscribe({}, new AbortController().signal)[Symbol.asyncIterator]();
    expect((await events.next()).value.id).toBe(1n);
    const heldBytes = process.memoryUsage.rss();
    expect(await settled(() => made)).toBeLessThan(2_000);
    expect(process.memoryUsage.rss() - heldBytes).toBeLessThan(16e6);
    for (let i = 0; i < 3_000; i += 1) await events.next();
    expect(made).toBeGreaterThan(3_000n);
    await events.return?.(undefined);
  });

  test("ends quietly when its signal aborts", async () => {
    const server = await bus({
      services: {
        async *subscribe(_peer, _request, signal) {
          yield { id: 1n };
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      },
    });
    const abort = new AbortController();
    const got: SubscribeResponse[] = [];
    setTimeout(() => abort.abort(), 200);
    for await (const event of client(server.port).subscribe({}, abort.signal)) got.push(event);
    expect(got).toHaveLength(1);
    for await (const event of client(server.port).subscribe({}, abort.signal)) got.push(event);
    expect(got).toHaveLength(1);
  });

  test("ends when the bus ends it, and fails when it is refused or lost", async () => {
    const server = await bus({
      services: {
        async *subscribe(_peer, { kinds }) {
          yield { id: 1n };
          if (kinds[0] === "flow") throw new CallRefusal("PERMISSION_DENIED", "not for you");
          if (kinds[0] === "process") server.server.disconnect("agent-1");
        },
      },
    });
    const own = client(server.port);
    const read = async (kinds: string[]) => {
      for await (const { id } of own.subscribe({ kinds }, new AbortController().signal)) expect(id).toBe(1n);
    };
    await read([]);
    expect((await failure(read(["flow"]))).code).toBe("identity_refused");
    expect((await failure(read(["process"]))).code).toBe("unreachable");
  });
});

/** Response headers, one empty message, and trailers with status OK, as frames. */
function emptyAnswer(stream: number): Buffer {
  const headers = Buffer.concat([literal(":status", "200"), literal("content-type", "application/grpc")]);
  return Buffer.concat([
    rawFrame(frameTypes.headers, endHeaders, stream, headers),
    rawFrame(frameTypes.data, 0, stream, Buffer.alloc(5)),
    rawFrame(frameTypes.headers, endHeaders | endStream, stream, literal("grpc-status", "0")),
  ]);
}

/** A server without TLS. */
async function plainServer(onSocket: Parameters<typeof createServer>[1]): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on("error", () => {});
    ends.push(() => socket.destroy());
    onSocket?.(socket);
  });
  return listening(server);
}

/** An HTTP/2 server with our certificates and any answers. */
async function rawBus(onStream: (stream: ServerHttp2Stream) => void): Promise<number> {
  const { ca, cert, key } = authority.server();
  const server = createSecureServer({ ca, cert, key, requestCert: true });
  server.on("session", (session) => ends.push(() => session.destroy()));
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    stream.resume();
    stream.on("end", () => onStream(stream));
  });
  return listening(server as unknown as Server);
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => void server.close());
  return (server.address() as AddressInfo).port;
}

function answer(stream: ServerHttp2Stream, headers: Record<string, string | number>, body?: Buffer): void {
  const all = { ":status": 200, "content-type": "application/grpc", ...headers };
  if (!body) {
    stream.respond(all, { endStream: true });
    return;
  }
  stream.respond(all, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(body);
}
