import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseYaml } from "../../src/config/index.ts";
import { amoskys } from "../support/amoskys.ts";

const root = mkdtempSync(join(tmpdir(), "amoskys-config-cli-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function home(name: string, text: string): string {
  const path = join(root, name);
  mkdirSync(join(path, "config"), { recursive: true });
  writeFileSync(join(path, "config/amoskys.yaml"), text);
  return path;
}

describe("amoskys config", () => {
  test("show --origin says where each value came from", async () => {
    const path = home("origin", "eventbus: {port: 7}");
    const environment = { BUS_HARD_MAX: "9" };
    const { stdout } = await amoskys(["--home", path, "config", "show", "--origin"], { environment });
    expect(stdout).toContain("eventbus.port: 7  # config/amoskys.yaml\n");
    expect(stdout).toContain("eventbus.hard_max: 9  # BUS_HARD_MAX\n");
    expect(stdout).toContain('eventbus.host: "0.0.0.0"  # default\n');
  });

  test("what show prints is a configuration that gives the same", async () => {
    const first = await amoskys(["--home", home("first", "agent: {send_rate: 5}"), "config", "show"]);
    const second = await amoskys(["--home", home("second", first.stdout), "config", "show"]);
    expect(second).toEqual(first);
  });

  test("a typo: one line with the path and the nearest name, status 10", async () => {
    const { status, stderr } = await amoskys(["--home", home("typo", "eventbus: {prot: 1}"), "config", "check"]);
    expect(status).toBe(10);
    expect(stderr).toContain("config/amoskys.yaml: eventbus.prot is unknown; did you mean port?\nTry: ");
  });

  test("a name that is unknown in the environment is said with the variable", async () => {
    const environment = { AMOSKYS_EVENTBUS__PROT: "1", BUS_SERVER_PORT: "70000" };
    const { status, stderr } = await amoskys(["--home", home("variable", "eventbus: {port: 1}"), "config", "check"], {
      environment,
    });
    expect(status).toBe(10);
    expect(stderr).toBe(
      "amoskys: The environment has 2 problems: eventbus.port (BUS_SERVER_PORT) must be at most 65535; " +
        "eventbus.prot (AMOSKYS_EVENTBUS__PROT) is unknown; did you mean port?\n" +
        "Try: unset BUS_SERVER_PORT AMOSKYS_EVENTBUS__PROT\n",
    );
  });

  test.each([
    ["eventbus: {overload_mode: maybe}", "eventbus.overload_mode must be one of on, off, auto"],
    ["agent: {send_rate: -1}", "agent.send_rate must be at least 0"],
    ["agent: {retry_timeout: 0}", "agent.retry_timeout must be more than 0"],
    ["eventbus: {port: many}", "eventbus.port must be a number"],
    ["storage: {max_wal_bytes: [1]}", "storage.max_wal_bytes must be a number or a text"],
    ["up: {roles: [bsu]}", 'up.roles: "bsu" is no role; did you mean bus?'],
    ["up: {roles: [bus, bus]}", "up.roles names bus twice"],
    ["agent: {bus_address: 'foo:bar'}", 'agent.bus_address: "foo:bar" is no address of a bus'],
    ["eventbus: {max_inflight: 9, hard_max: 8}", "eventbus.max_inflight (9) is above eventbus.hard_max (8)"],
    ["eventbus: {port: 8080}", "eventbus.port and eventbus.health_port are both 8080"],
    ["eventbus: {port: 1", "is no valid YAML at line"],
  ])("check of %j says %j and what to do", async (text, said) => {
    const { status, stderr } = await amoskys(["--home", home("wrong", text), "config", "check"]);
    expect(status).toBe(10);
    expect(stderr).toContain(said);
    expect(stderr).toMatch(/^amoskys: .*\nTry: (?!amoskys config check).*\n$/);
  });

  test("check reads the files that sections name: each problem with its file and place", async () => {
    const path = home("files", "snmp: {metrics_file: metrics.yaml, devices_file: devices.yaml}\nup: {roles: []}");
    writeFileSync(join(path, "metrics.yaml"), "metrics: {cpu: {oids: [{name: x, oid: 1.3.x}]}}");
    writeFileSync(join(path, "devices.yaml"), "devices: [{host: 'a b\\e[2J', community: TopSecret}]");
    const { status, stderr } = await amoskys(["--home", path, "config", "check"]);
    expect(status).toBe(10);
    expect(stderr).toBe(
      `amoskys: The configuration has 2 problems: snmp: ${path}/metrics.yaml: metrics.cpu.oids.0.oid: is no OID; ` +
        `snmp: ${path}/devices.yaml: devices.0.host: is no host name or address\nTry: amoskys config show --origin\n`,
    );
  });

  test.each([
    ["snmp: {metrics_file: nowhere.yaml}", /snmp: Cannot read .*nowhere\.yaml: ENOENT/],
    ["snmp: {devices_file: broken.yaml}", /snmp: .*broken\.yaml is no valid YAML at line 1/],
    ["snmp: {profile: standart}", /snmp\.profile: there is no profile "standart"; did you mean standard\?/],
    [
      "snmp: {devices: [{host: a, version: 3, user: {name: u, auth: sha, auth_password: longenough, " +
        "priv: aes192b, priv_password: longenough}}]}",
      /snmp: SNMPv3 with aes192b is not possible in this runtime; let the device's user have/,
    ],
  ])("check of %j says what would keep the collector from its work", async (text, said) => {
    const path = home("collectors", `${text}\nup: {roles: []}`);
    writeFileSync(join(path, "broken.yaml"), "devices: [");
    const { status, stderr } = await amoskys(["--home", path, "config", "check"]);
    expect(status).toBe(10);
    expect(stderr).toMatch(said);
  });

  test("a host without a bus needs no certificate of one; where a bus is to run, the hint says so", async () => {
    const path = home("agent-only", "up: {roles: []}");
    expect(await amoskys(["--home", path, "config", "check"])).toEqual({
      status: 0,
      stdout: "Configuration is right; roles: none\n",
      stderr: "",
    });
    const { status, stderr } = await amoskys(["--home", home("bus", "up: {roles: [bus]}"), "config", "check"]);
    expect(status).toBe(12);
    expect(stderr).toContain("where no bus is to run, set up.roles without bus");
  });

  test("the example names every setting that has a default", async () => {
    const keysOf = (value: unknown, path = ""): string[] =>
      value instanceof Object && !Array.isArray(value)
        ? Object.entries(value).flatMap(([key, inner]) => keysOf(inner, path === "" ? key : `${path}.${key}`))
        : [path];
    const example = readFileSync(join(import.meta.dir, "../../config/amoskys.example.yaml"), "utf8");
    const { stdout } = await amoskys(["--home", root, "config", "show"]);
    expect(keysOf(parseYaml(example, "example")).sort()).toEqual(keysOf(parseYaml(stdout, "defaults")).sort());
  });

  test("the example is a configuration, and all of it is defaults", async () => {
    const example = join(import.meta.dir, "../../config/amoskys.example.yaml");
    const shown = await amoskys(["--home", root, "--config", example, "config", "show"]);
    const defaults = await amoskys(["--home", root, "config", "show"]);
    const sizes = (text: string) => text.replace("200000000", "209715200");
    expect(sizes(shown.stdout)).toBe(defaults.stdout);
  });
});
