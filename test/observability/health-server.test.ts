import { afterEach, describe, expect, test } from "bun:test";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { createHealthServer, type HealthReport, type HealthServer } from "../../src/observability/index.ts";

const well: HealthReport = {
  ready: true,
  status: "healthy",
  state: "active",
  message: "eth0: 3 flows",
  eventsTotal: 7,
  backlogBytes: 10,
  lastAckMs: 1000,
  checks: { wal_database: { ok: true, message: "" } },
  figures: { wal_bytes: 10 },
};
let server: HealthServer | undefined;
afterEach(async () => await server?.close());

async function start(
  report: () => HealthReport,
  ports = [0],
): Promise<(path: string, init?: RequestInit) => Promise<Response>> {
  const metricsText = () => Promise.resolve("a_total 1\n");
  server = await createHealthServer({ host: "127.0.0.1", ports, report, metricsText, onError() {} });
  const port = server.ports[0];
  return (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init);
}

describe("createHealthServer", () => {
  test("serves the five pages of a role that is well", async () => {
    const get = await start(() => well);
    expect(await (await get("/metrics")).text()).toBe("a_total 1\n");
    expect(await (await get("/healthz")).text()).toBe("OK active wal_bytes=10\n");
    expect(await (await get("/health")).json()).toMatchObject({
      status: "healthy",
      events_total: 7,
      backlog_bytes: 10,
    });
    expect((await get("/ready")).status).toBe(200);
    expect((await get("/readyz?verbose")).status).toBe(200);
    expect((await get("/nothing")).status).toBe(404);
    expect((await get("/health", { method: "POST" })).status).toBe(405);
  });

  test("answers 503 where a role is unhealthy or not ready", async () => {
    let report: HealthReport = { ...well, ready: false };
    const get = await start(() => report);
    expect((await get("/readyz")).status).toBe(503);
    expect((await get("/healthz")).status).toBe(200);
    report = { ...well, status: "unhealthy", state: "error" };
    expect((await get("/healthz")).status).toBe(503);
    expect((await get("/health")).status).toBe(503);
  });

  test("takes a free port where the one asked for is taken", async () => {
    const holder = createServer().listen(0, "127.0.0.1");
    await new Promise((done) => holder.once("listening", done));
    const taken = (holder.address() as AddressInfo).port;
    const get = await start(() => well, [taken]);
    expect(server?.ports[0]).not.toBe(taken);
    expect((await get("/healthz")).status).toBe(200);
    holder.close();
  });
});
