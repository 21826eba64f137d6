// The server as grpcio sees it: a peer that shares no code with ours.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { PublishAck_Status, PublishAckSchema } from "../../src/gen/messaging_schema_pb.ts";
import { UniversalAck_Status, UniversalAckSchema } from "../../src/gen/universal_telemetry_pb.ts";
import { CallRefusal } from "../../src/transport/index.ts";
import { createTestAuthority, type TestAuthority } from "../support/certificates.ts";
import { callFromPython, pythonGrpcAvailable } from "../support/python-grpc.ts";
import { startBus } from "./bus-fixture.ts";

const publish = "/messaging.EventBus/Publish";
const telemetry = "/messaging.UniversalEventBus/PublishTelemetry";
const tree = "/amoskys.v1.Bus/PublishTree";
const limitBytes = 4 * 1024 * 1024;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

let authority: TestAuthority;
beforeAll(() => {
  authority = createTestAuthority();
});
afterAll(() => authority.remove());

describe.skipIf(!pythonGrpcAvailable())("grpcio", () => {
  test("publishes hand-made bytes, plain and gzipped, and reads acks, statuses and texts", async () => {
    const flowAck = toBinary(
      PublishAckSchema,
      create(PublishAckSchema, { status: PublishAck_Status.OK, reason: "accepted" }),
    );
    const ack = toBinary(
      UniversalAckSchema,
      create(UniversalAckSchema, { status: UniversalAck_Status.RETRY, code: "overload" }),
    );
    const bus = await startBus({
      authority,
      events: async (_peer, method, bytes, signal) => {
        if (bytes[0] === 1) throw new CallRefusal("UNAUTHENTICATED", "kein Schlüssel, 100 %\n");
        if (bytes[0] === 2) throw new Error("the password is 1234");
        if (bytes[0] === 3) await new Promise((resolve) => signal.addEventListener("abort", resolve));
        return method === "Publish" ? flowAck : ack;
      },
    });
    // fields 1 (version) and 2 (ts_ns) of an envelope, by hand
    const envelope = Uint8Array.of(0x0a, 0x02, 0x76, 0x31, 0x10, 0x96, 0x01);
    const answers = await callFromPython(`localhost:${bus.port}`, authority, bus.certificate, [
      { path: publish, body: envelope },
      { path: "/messaging.UniversalEventBus/Publish", body: envelope, gzip: true },
      { path: telemetry, body: new Uint8Array(20_000).fill(9), gzip: true },
      { path: telemetry, body: Uint8Array.of(1) },
      { path: telemetry, body: Uint8Array.of(2) },
      { path: telemetry, body: Uint8Array.of(3), timeout: 0.2 },
      { path: tree, body: limitBytes },
      { path: tree, body: limitBytes + 1 },
      { path: tree, body: limitBytes, gzip: true },
      { path: tree, body: limitBytes + 1, gzip: true },
      { path: "/messaging.UniversalEventBus/PublishBatch", body: 0 },
      { path: "/infraspectre.EventBusService/Publish", body: 0 },
      { path: "/messaging.UniversalEventBus/GetHealth", body: 0 },
      { path: "/messaging.UniversalEventBus/GetHealth", body: 0, gzip: true },
    ]);
    expect(answers).toEqual([
      { status: "OK", hex: hex(flowAck) },
      { status: "OK", hex: hex(flowAck) },
      { status: "OK", hex: hex(ack) },
      { status: "UNAUTHENTICATED", details: "kein Schlüssel, 100 %\n" },
      { status: "INTERNAL", details: "internal error" },
      { status: "DEADLINE_EXCEEDED", details: expect.any(String) },
      { status: "OK", hex: hex(ack) },
      { status: "RESOURCE_EXHAUSTED", details: "the message is larger than 4194304 bytes" },
      { status: "OK", hex: hex(ack) },
      { status: "RESOURCE_EXHAUSTED", details: "the message is larger than 4194304 bytes" },
      { status: "UNIMPLEMENTED", details: expect.any(String) },
      { status: "UNIMPLEMENTED", details: expect.any(String) },
      { status: "OK", hex: "0a074845414c544859" },
      { status: "OK", hex: "0a074845414c544859" },
    ]);
    expect(bus.handled.slice(0, 3).map(({ bytes }) => bytes)).toEqual([
      envelope,
      envelope,
      new Uint8Array(20_000).fill(9),
    ]);
    expect(bus.observer.counted("amoskys_bus_connections_opened_total")).toBe(1);
    await bus.stop();
  }, 20_000);

  test("goes through renewed connections without an error", async () => {
    const bus = await startBus({
      authority,
      limits: { ageMs: 60, guardMs: 20 },
      events: async () => Bun.sleep(2).then(() => new Uint8Array()),
    });
    const calls = Array.from({ length: 300 }, () => ({ path: telemetry, body: Uint8Array.of(5) }));
    const answers = await callFromPython(`localhost:${bus.port}`, authority, bus.certificate, calls);
    expect(answers.filter(({ status }) => status !== "OK")).toEqual([]);
    expect(bus.observer.counted("amoskys_bus_connections_opened_total")).toBeGreaterThan(3);
    expect(bus.handled).toHaveLength(300);
    await bus.stop();
  }, 20_000);

  test("is refused where its certificate does not name one agent", async () => {
    const bus = await startBus({ authority });
    const two = authority.issue({ subject: "/CN=agent-1/CN=admin" });
    const answers = await callFromPython(`localhost:${bus.port}`, authority, two, [{ path: publish, body: 1 }]);
    expect(answers[0]).toMatchObject({ status: "UNAUTHENTICATED", details: expect.stringContaining("exactly one CN") });
    expect(bus.handled).toHaveLength(0);
    await bus.stop();
  }, 20_000);
});
