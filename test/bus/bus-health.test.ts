import { describe, expect, test } from "bun:test";
import { describeHealth, type HealthFacts, healthResponse } from "../../src/bus/bus-health.ts";

const well: HealthFacts = {
  failure: undefined,
  draining: false,
  inflight: 0,
  maxInflight: 100,
  hardMax: 500,
  storedTotal: 7,
  lastCommitMs: 1,
  appendingMs: 0,
  commitFailure: undefined,
  connections: 2,
  freeBytes: 1e12,
  diskLowBytes: 1e6,
  diskRefused: false,
  rssBytes: 1e8,
  rssBytesMax: 1e9,
  certificateEndMs: 1e12 + 400 * 86_400_000,
  nowMs: 1e12,
};

describe("describeHealth", () => {
  test("is healthy and ready when all is well", () => {
    expect(describeHealth(well)).toMatchObject({ status: "HEALTHY", ready: true });
  });

  test.each([
    ["a failed log", { failure: "fdatasync" }, "message_processing", "UNHEALTHY", false],
    ["a commit that hangs", { appendingMs: 20_000 }, "message_processing", "UNHEALTHY", false],
    ["commits that fail", { commitFailure: "The disk is full" }, "message_processing", "DEGRADED", false],
    ["a disk that cannot be asked", { freeBytes: undefined, diskRefused: true }, "disk_space", "DEGRADED", false],
    ["a certificate whose end is not known", { certificateEndMs: undefined }, "certificate_validity", "DEGRADED", true],
    ["a full disk", { diskRefused: true }, "disk_space", "UNHEALTHY", false],
    ["a disk nearly full", { freeBytes: 1.5e6 }, "disk_space", "DEGRADED", true],
    ["calls above max_inflight", { inflight: 100 }, "queue_depth", "DEGRADED", true],
    ["calls at hard_max", { inflight: 500 }, "queue_depth", "UNHEALTHY", true],
    ["much memory", { rssBytes: 2e9 }, "memory_usage", "DEGRADED", true],
    ["a certificate that ends soon", { certificateEndMs: 1e12 + 1000 }, "certificate_validity", "DEGRADED", true],
    ["a certificate that ended", { certificateEndMs: 1e12 - 1 }, "certificate_validity", "UNHEALTHY", true],
    ["shutting down", { draining: true }, "grpc_server", "DEGRADED", false],
  ] as const)("%s shows", (_what, change, name, status, ready) => {
    const health = describeHealth({ ...well, ...change });
    expect(health).toMatchObject({ status, ready });
    expect(health.checks[name].status).not.toBe("HEALTHY");
    expect(health.message).toBe(health.checks[name].message);
    const others = Object.entries(health.checks).filter(([other]) => other !== name);
    expect(others.every(([, check]) => check.status === "HEALTHY")).toBe(true);
  });

  test("says sizes and dates as people read them", () => {
    const { checks } = describeHealth({
      ...well,
      rssBytes: 94_699_520,
      certificateEndMs: Date.UTC(2030, 0, 2, 3, 4, 5),
    });
    expect(checks.memory_usage.message).toBe("the process holds 90.3 MiB");
    expect(checks.disk_space.message).toBe("the disk of the log has 931.3 GiB left");
    expect(checks.certificate_validity.message).toBe("the server certificate ends 2030-01-02T03:04:05Z");
  });

  test("GetHealth answers the components asked for, or all", () => {
    const health = describeHealth(well);
    expect(Object.keys(healthResponse(health, [], 5n).componentHealth ?? {})).toHaveLength(6);
    const some = healthResponse(health, ["disk_space", "nonsense"], 5n).componentHealth ?? {};
    expect(Object.keys(some)).toEqual(["disk_space"]);
    expect(some.disk_space).toMatchObject({ status: "HEALTHY", lastCheckNs: 5n });
  });
});
