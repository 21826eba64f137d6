import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { type BaseConfig, baseSections } from "../../src/config/index.ts";
import { checkPorts, configuredPorts, tryListen } from "../../src/tasks/doctor-ports.ts";

let server: Server;
let taken: number;

beforeAll(async () => {
  server = createServer();
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  taken = (server.address() as { port: number }).port;
});
afterAll(() => server.close());

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen({ host: "127.0.0.1", port: 0 }, resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function configOf(
  bus: Record<string, unknown>,
  agent: Record<string, unknown> = {},
  roles = ["bus", "flow"],
): BaseConfig {
  const none = { health_port: 0, metrics_port_1: 0, metrics_port_2: 0 };
  return {
    eventbus: baseSections.eventbus.parse({ host: "127.0.0.1", ...none, ...bus }),
    agent: baseSections.agent.parse(agent),
    crypto: baseSections.crypto.parse(undefined),
    storage: baseSections.storage.parse(undefined),
    up: baseSections.up.parse({ roles }),
    observability: baseSections.observability.parse(undefined),
  };
}

describe("doctor: ports", () => {
  test("only ports of the roles that are to run, and none that may be any", () => {
    const settings = (roles: string[]) =>
      configuredPorts(configOf({ port: 5000, health_port: 5001 }, { health_port: 5002 }, roles)).map(
        ({ setting }) => setting,
      );
    expect(settings(["bus", "flow"])).toEqual(["eventbus.port", "eventbus.health_port", "agent.health_port"]);
    expect(settings(["bus"])).toEqual(["eventbus.port", "eventbus.health_port"]);
    expect(settings(["flow"])).toEqual(["agent.health_port"]);
    expect(configuredPorts(configOf({ port: 0 }))).toEqual([]);
  });

  test("free ones are free afterwards, too", async () => {
    const port = await freePort();
    expect(await checkPorts(configOf({ port }), [])).toEqual({ name: "ports", status: "ok", found: `${port} free` });
    expect(await tryListen("127.0.0.1", port)).toBeUndefined();
  });

  test("a bus's port that somebody else holds is a failure that names them", async () => {
    const check = await checkPorts(configOf({ port: taken }), [{ role: "flow", pid: 1 }]);
    expect(check).toMatchObject({
      status: "fail",
      code: "port_in_use",
      hint: expect.stringContaining("eventbus.port"),
    });
    expect(check.found).toMatch(new RegExp(`^eventbus.port ${taken} is held by .+ \\(pid ${process.pid}\\)$`));
  });

  test("one that this home's own role holds is not", async () => {
    const check = await checkPorts(configOf({ port: taken }), [{ role: "bus", pid: process.pid }]);
    expect(check).toMatchObject({ status: "ok", found: `${taken} in use by this home's roles` });
  });

  test("a page's port is a warning, since another is taken", async () => {
    const check = await checkPorts(configOf({ port: await freePort(), health_port: taken }), []);
    expect(check).toMatchObject({ status: "warn", lost: expect.stringContaining("other ports") });
    expect(check.code).toBeUndefined();
  });

  test("an address of another host is a failure of the configuration", async () => {
    const check = await checkPorts(configOf({ host: "192.0.2.1", port: 5999 }), []);
    expect(check).toMatchObject({ status: "fail", code: "config_invalid" });
    expect(check.found).toContain("EADDRNOTAVAIL");
  });
});
