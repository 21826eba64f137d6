import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, isRunning, RunningHome } from "../support/running-home.ts";

const homes: RunningHome[] = [];
afterEach(async () => {
  await Promise.all(homes.splice(0).map((home) => home.remove()));
});

function createHome(options?: ConstructorParameters<typeof RunningHome>[0]): RunningHome {
  const home = new RunningHome(options);
  homes.push(home);
  return home;
}

describe("amoskys up", () => {
  test("prepares an empty home, runs the bus, and drains on the first signal", async () => {
    const home = createHome();
    home.up("--roles", "bus");
    const bus = await home.untilState("bus", "healthy");
    expect(bus.port).toBeGreaterThan(0);
    expect(existsSync(join(home.home, "config/trust_map.yaml"))).toBe(true);
    const status = await home.run("status");
    expect(status.status).toBe(0);
    expect(status.stdout).toContain("healthy");
    home.signal("SIGINT");
    const { status: exit, stdout, stderr } = await home.ended();
    expect(exit).toBe(0);
    expect(stderr).toContain("Made certificates and keys");
    const states = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).state);
    expect(states[0]).toBe("starting");
    expect(states.at(-1)).toBe("stopped");
    expect(isRunning(bus.pid as number)).toBe(false);
    expect(readFileSync(join(home.home, "data/logs/bus.log"), "utf8")).toContain('"msg":"stopped"');
  });

  test("a role that dies is started again, and keeps its port", async () => {
    const home = createHome();
    home.up("--roles", "bus");
    const before = await home.untilState("bus", "healthy");
    process.kill(before.pid as number, "SIGKILL");
    const after = await eventually("another bus is healthy", async () => {
      const bus = await home.role("bus");
      return bus?.state === "healthy" && bus.pid !== before.pid ? bus : undefined;
    });
    expect(after).toMatchObject({ port: before.port as number, restarts: 1 });
  });

  test("leaves no process behind when it is killed", async () => {
    const home = createHome();
    home.up("--roles", "bus");
    const bus = await home.untilState("bus", "healthy");
    process.kill(home.pid, "SIGKILL");
    await home.ended();
    await eventually("the bus has ended", () => !isRunning(bus.pid as number));
    expect((await home.run("status")).status).toBe(13);
    home.up("--roles", "bus");
    await home.untilState("bus", "healthy");
  });

  test("a permanent error is not tried again: the role is failed, with its line and what to do", async () => {
    const home = createHome();
    home.up("--roles", "bus");
    await home.untilState("bus", "healthy");
    expect((await home.run("stop", "bus")).status).toBe(0);
    await home.untilState("bus", "stopped");
    writeFileSync(join(home.home, "config/trust_map.yaml"), "agents: [");
    await home.run("start", "bus");
    const failed = await home.untilState("bus", "failed");
    expect(failed).toMatchObject({ restarts: 0 });
    expect(failed.message).toContain("trust_map.yaml");
    expect(failed.hint).toBeTruthy();
    expect((await home.run("status")).status).toBe(3);
  });

  test("an agent over its budget is degraded, and the line says what to do", async () => {
    const home = createHome({ config: "host:\n  budget: {memory: 1MiB}\n" });
    home.up("--roles", "bus,host");
    const host = await eventually("the host agent is over its budget", async () => {
      const status = await home.role("host");
      return status?.state === "degraded" && status.message.includes("budget") ? status : undefined;
    });
    expect(host.message).toMatch(/^uses .* MiB of memory, more than its budget of 1.0 MiB; .*host\.budget\.memory$/);
    expect(host.budget).toEqual({ cpu_percent: 5, memory_bytes: 1 << 20 });
    const bus = await home.untilState("bus", "healthy");
    expect(bus.memory_bytes).toBeGreaterThan(10 << 20);
    const { stdout } = await home.run("status");
    expect(stdout).toMatch(/host +degraded .*\d\/5 % +\d+\/1 MiB/);
  });

  test("down ends it and waits; restart gives a new process", async () => {
    const home = createHome();
    home.up("--roles", "bus");
    const before = await home.untilState("bus", "healthy");
    expect((await home.run("restart", "bus")).status).toBe(0);
    const after = await home.untilState("bus", "healthy");
    expect(after.pid).not.toBe(before.pid);
    expect((await home.run("restart", "nothing")).status).toBe(2);
    expect((await home.run("down")).status).toBe(0);
    expect(isRunning(home.pid)).toBe(false);
    expect(await home.run("down")).toMatchObject({ status: 13 });
  });

  test("a second up in one home is refused, and disturbs nothing", async () => {
    const home = createHome();
    home.up("--roles", "bus");
    await home.untilState("bus", "healthy");
    const second = await home.run("up", "--roles", "bus");
    expect(second.status).toBe(11);
    expect(second.stderr).toContain(`(pid ${home.pid})`);
    expect((await home.role("bus"))?.state).toBe("healthy");
  });

  test("a home where a part of the identity is missing is refused with what to do", async () => {
    const home = createHome();
    expect((await home.run("certs", "init")).status).toBe(0);
    rmSync(join(home.home, "certs/server.key"));
    const { status, stderr } = await home.run("up", "--roles", "bus");
    expect(status).toBe(12);
    expect(stderr).toContain("certs/server.key");
    expect(stderr).toContain("Try: ");
  });

  test.skipIf(process.getuid?.() !== 0)(
    "without the privilege to capture the bus runs, and the table says what is missing",
    async () => {
      const home = createHome({ wrapper: ["setpriv", "--bounding-set", "-net_raw"] });
      home.up("--iface", "lo");
      await home.untilState("bus", "healthy");
      const flow = await home.untilState("flow", "failed");
      expect(flow).toMatchObject({ restarts: 0 });
      expect(flow.message).toContain("CAP_NET_RAW");
      const status = await home.run("status");
      expect(status.status).toBe(3);
      expect(status.stdout).toContain("flow: Try: ");
    },
  );

  test("a single round ends also where no bus takes it: what was seen is kept", async () => {
    const home = createHome({ config: "agent: {bus_address: 127.0.0.1:1}\n" });
    expect((await home.run("certs", "init")).status).toBe(0);
    const { status, stderr } = await home.run("agent", "host", "--once");
    expect(status).toBe(13);
    expect(stderr).toMatch(/The bus has not taken \d+ events yet; they are kept: .*127\.0\.0\.1:1/);
    const { stdout } = await home.run("wal", "inspect", join(home.home, "data/wal/hostagent.db"));
    expect(stdout).toContain("pending");
  }, 60_000);

  test("an unknown role is refused with the nearest name", async () => {
    const { status, stderr } = await createHome().run("up", "--roles", "bus,flwo,host");
    expect(status).toBe(2);
    expect(stderr).toContain("Try: amoskys up --roles bus,flow,host");
    const byFile = await createHome({ config: "up: {roles: [bus, prco]}\n" }).run("up");
    expect(byFile.status).toBe(10);
    expect(byFile.stderr).toContain('amoskys: up.roles (config/amoskys.yaml): "prco" is no role;');
  });
});
