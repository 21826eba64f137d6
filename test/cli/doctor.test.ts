import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { amoskys } from "../support/amoskys.ts";
import { namespaceObstacle } from "../support/network-namespace.ts";

const root = mkdtempSync(join(tmpdir(), "amoskys-doctor-cli-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const anyPorts = "port: 0, health_port: 0, metrics_port_1: 0, metrics_port_2: 0";

function home(name: string, text: string): string {
  const path = join(root, name);
  mkdirSync(join(path, "config"), { recursive: true });
  writeFileSync(join(path, "config/amoskys.yaml"), text);
  return path;
}

interface Check {
  readonly name: string;
  readonly status: string;
  readonly found: string;
}

const checksOf = (stdout: string) => JSON.parse(stdout) as { ok: boolean; checks: Check[] };
const checkOf = (stdout: string, name: string) => checksOf(stdout).checks.find((check) => check.name === name);
const withoutRawSockets = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"];

describe("amoskys doctor", () => {
  test.skipIf(namespaceObstacle() !== undefined)("all that is needed is there: status 0, about ten lines", async () => {
    const { status, stdout, stderr } = await amoskys(["--home", home("well", `eventbus: {${anyPorts}}`), "doctor"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const lines = stdout.trim().split("\n");
    expect(lines.filter((line) => /^(ok|warn|fail) /.test(line)).length).toBe(10);
    expect(lines.length).toBeLessThan(20);
    expect(stdout).toMatch(/^ok +packet ring +opens on lo/m);
    expect(stdout).not.toContain("\u001b");
  });

  test.skipIf(namespaceObstacle() !== undefined)(
    "without the privilege: status 14, what is lost, what to do",
    async () => {
      const path = home("unprivileged", `eventbus: {${anyPorts}}`);
      const run = await amoskys(["--home", path, "doctor"], { wrapper: withoutRawSockets });
      expect(run.status).toBe(14);
      expect(run.stdout).toMatch(/^fail +privileges +no CAP_NET_RAW/m);
      expect(run.stdout).toMatch(/^ +lost: agent flow sees no packets/m);
      expect(run.stdout).toMatch(/^ +try: sudo amoskys/m);
      expect(run.stderr).toMatch(/^amoskys: privileges: no CAP_NET_RAW.*\nTry: sudo/);
      const json = await amoskys(["--home", path, "doctor", "--json"], { wrapper: withoutRawSockets });
      expect(json.status).toBe(14);
      expect(checksOf(json.stdout).ok).toBe(false);
      expect(checkOf(json.stdout, "packet ring")?.status).toBe("fail");
      const { error } = JSON.parse(json.stderr);
      expect(error).toMatchObject({ code: "privilege_missing", exit_status: 14 });
    },
  );

  test.skipIf(namespaceObstacle() !== undefined)("a home that captures nothing does without", async () => {
    const path = home("bus-only", `{eventbus: {${anyPorts}}, up: {roles: [bus]}}`);
    const { status, stdout } = await amoskys(["--home", path, "doctor", "--json"], { wrapper: withoutRawSockets });
    expect(status).toBe(0);
    expect(checkOf(stdout, "privileges")?.status).toBe("warn");
    expect(checkOf(stdout, "packet ring")?.status).toBe("warn");
  });

  test("a port in use: status 13, and who has it", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
    const { port } = server.address() as { port: number };
    const eventbus = `eventbus: {host: 127.0.0.1, ${anyPorts.replace("port: 0", `port: ${port}`)}}`;
    const run = await amoskys(["--home", home("port", `{${eventbus}, up: {roles: [bus]}}`), "doctor", "--json"]);
    server.close();
    expect(run.status).toBe(13);
    expect(checkOf(run.stdout, "ports")?.found).toContain(`eventbus.port ${port} is held by`);
    expect(checkOf(run.stdout, "ports")?.found).toContain(`(pid ${process.pid})`);
  });

  test("a wrong configuration: status 10, and the rest is looked at all the same", async () => {
    const path = home("typo", `{eventbus: {prot: 1}}`);
    const { status, stdout } = await amoskys(["--home", path, "doctor", "--json"]);
    expect([10, 14]).toContain(status);
    expect(checkOf(stdout, "configuration")).toMatchObject({ status: "fail", found: expect.stringContaining("prot") });
    expect(checksOf(stdout).checks.length).toBe(10);
  });
});
