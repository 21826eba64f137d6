import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { TestBus } from "../support/test-bus.ts";

let bus: TestBus;

beforeAll(async () => {
  bus = await TestBus.start({ freeBytes: () => 1e12 });
});

afterAll(() => bus.stop());

describe("GetStatus and GetHealth", () => {
  test("answer whoever may do anything here: status, publish or subscribe", async () => {
    for (const permission of ["status", "publish", "subscribe"] as const) {
      const agent = await bus.agent(`with-${permission}`, { permissions: [permission] });
      expect(await agent.client.getHealth()).toMatchObject({ overallStatus: "HEALTHY" });
      const status = await agent.client.getStatus();
      expect(status).toMatchObject({ serviceVersion: "0.0.0-test", schema: 1 });
      expect(status.connectedDevices).toBeGreaterThan(0);
    }
  });

  test("say what was stored", async () => {
    const agent = await bus.agent("agent-1");
    for (let i = 0; i < 3; i += 1) await agent.client.publishTelemetry(agent.sealOne());
    const status = await agent.client.getStatus();
    expect(status.totalEventsProcessed).toBe(3n);
    expect(status.serviceMetrics).toMatchObject({ records: "3", missing_sequences: "0", overload_mode: "auto" });
    const health = await agent.client.getHealth();
    expect(Object.keys(health.componentHealth).sort()).toEqual([
      "certificate_validity",
      "disk_space",
      "grpc_server",
      "memory_usage",
      "message_processing",
      "queue_depth",
    ]);
  });

  test("refuse strangers, and entries that may do nothing", async () => {
    const status = async (client: { getStatus(): Promise<unknown> }) =>
      client.getStatus().then(
        () => "answered",
        (error) => `${error.code} ${error.details.grpcStatus}`,
      );
    expect(await status(bus.stranger("stranger").client)).toBe("identity_refused UNAUTHENTICATED");
    const nobody = await bus.agent("nobody", { permissions: [] });
    expect(await status(nobody.client)).toBe("identity_refused PERMISSION_DENIED");
  });
});
