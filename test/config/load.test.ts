import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { baseSections, loadConfig } from "../../src/config/index.ts";

const root = mkdtempSync(join(tmpdir(), "amoskys-config-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const schema = z.strictObject(baseSections);
let homes = 0;

/** A home with this configuration file; without text, with none. */
function home(text?: string): string {
  homes += 1;
  const path = join(root, String(homes));
  mkdirSync(join(path, "config"), { recursive: true });
  if (text !== undefined) writeFileSync(join(path, "config/amoskys.yaml"), text);
  return path;
}

const load = (text?: string, environment: Record<string, string> = {}, flags = {}) =>
  loadConfig({ schema, home: home(text), environment, flags });

describe("loadConfig", () => {
  test("neither waits for a pipe nor reads what is no configuration's size", () => {
    const at = home();
    const path = join(at, "config/amoskys.yaml");
    const read = () => loadConfig({ schema, home: at, environment: {} });
    expect(spawnSync("mkfifo", [path]).status).toBe(0);
    expect(read).toThrow(
      expect.objectContaining({ code: "config_invalid", message: `The configuration ${path} is not a plain file` }),
    );
    rmSync(path);
    writeFileSync(path, `# ${"x".repeat(1 << 20)}`);
    expect(read).toThrow(
      expect.objectContaining({
        code: "config_invalid",
        message: `The configuration ${path} has more than 1048576 bytes`,
      }),
    );
  });

  test("merges defaults, file, environment and flags, and knows where each came from", () => {
    const { config, origins } = load(
      "eventbus: {host: 10.0.0.1, port: 1, hard_max: 7}\nagent: {send_rate: 3}",
      { BUS_SERVER_PORT: "2", AMOSKYS_EVENTBUS__HARD_MAX: "9" },
      { "eventbus.port": 3, "eventbus.host": undefined },
    );
    expect(config.eventbus).toMatchObject({ host: "10.0.0.1", port: 3, hard_max: 9, health_port: 8080 });
    expect(origins.get("eventbus.host")).toBe("config/amoskys.yaml");
    expect(origins.get("eventbus.port")).toBe("flag");
    expect(origins.get("eventbus.hard_max")).toBe("AMOSKYS_EVENTBUS__HARD_MAX");
    expect(origins.get("agent.retry_max")).toBe("default");
  });

  test("a list in a variable has commas, or is YAML", () => {
    const rolesOf = (text: string) => load(undefined, { AMOSKYS_UP__ROLES: text }).config.up.roles;
    expect(rolesOf("bus, flow")).toEqual(["bus", "flow"]);
    expect(rolesOf("[bus, flow]")).toEqual(["bus", "flow"]);
    expect(rolesOf("[]")).toEqual([]);
    expect(() => rolesOf("[bus")).toThrow("AMOSKYS_UP__ROLES is no valid YAML at line 1");
  });

  test("lists every problem at once, with the nearest known name", () => {
    const text = "eventbus: {prot: 1, port: 70000}\nagnet: {}\nstorage: {max_wal_bytes: lots}";
    expect(() => load(text)).toThrow(
      expect.objectContaining({
        code: "config_invalid",
        message: expect.stringMatching(
          /has 4 problems: .*eventbus\.prot is unknown; did you mean port\?.*agnet is unknown; did you mean agent\?/,
        ),
      }),
    );
  });

  test("an empty file is all defaults, a list or broken YAML is refused with its place", () => {
    expect(load("").config.eventbus.port).toBe(50_051);
    expect(() => load("- a")).toThrow("must be a map");
    expect(() => load("eventbus: {port: 1\nagent: x")).toThrow(/no valid YAML at line \d+, column \d+/);
  });

  test.each(["*S3CRET", "!S3CRET x", "@S3CRET", '"S3CRET', "[S3CRET"])(
    "what is no YAML is told without its words, since one may be a secret: %s",
    (text) => {
      const read = () => load(`agent: {name: a}\ncrypto: {ca_cert: ${text}}`);
      expect(read).toThrow(/no valid YAML at line [12]/);
      expect(read).not.toThrow("S3CRET");
    },
  );

  test("a bomb of aliases and a key given twice are refused", () => {
    const bomb = `a: &a [x]\n${Array.from({ length: 40 }, (_, i) => `k${i}: *a`).join("\n")}`;
    expect(() => load(bomb)).toThrow("no valid YAML");
    expect(() => load("eventbus: {port: 1, port: 2}")).toThrow("no valid YAML");
  });

  test("prototype keys are unknown keys", () => {
    expect(() => load("__proto__: {polluted: 1}")).toThrow("unknown");
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test("a file that was named must exist", () => {
    const source = { schema, home: home(), file: "missing.yaml", environment: {} };
    expect(() => loadConfig(source)).toThrow("Cannot read the configuration");
  });

  test.each([
    ["on", "on"],
    ["1", "on"],
    ["no", "off"],
    ["AUTO", "auto"],
  ])("BUS_OVERLOAD=%s is %s", (text, mode) => {
    expect(load(undefined, { BUS_OVERLOAD: text }).config.eventbus.overload_mode).toBe(mode as "on");
  });

  test("sizes may have units; numbers and words in the environment take the type of the setting", () => {
    const { config } = load("storage: {max_wal_bytes: 64KiB}", {
      IS_RETRY_TIMEOUT: "2.5",
      BUS_METRICS_DISABLE: "yes",
      AMOSKYS_UP__ROLES: "bus, flow",
      AMOSKYS_AGENT_ID: "42",
    });
    expect(config.storage.max_wal_bytes).toBe(65_536);
    expect(config.agent).toMatchObject({ retry_timeout: 2.5, name: "42" });
    expect(config.eventbus.metrics_disabled).toBe(true);
    expect(config.up.roles).toEqual(["bus", "flow"]);
  });

  test("settings without effect are noticed, unknown variables of ours are refused", () => {
    expect(load(undefined, { BUS_DEDUPE_TTL_SEC: "300" }).notices).toHaveLength(1);
    expect(() => load(undefined, { AMOSKYS_EVENTBUS__PROT: "1" })).toThrow("did you mean port?");
    expect(load(undefined, { AMOSKYS_HOME: "/x", AMOSKYS_CORPORA: "/y" }).notices).toEqual([]);
  });

  test("the result is frozen", () => {
    const { config } = load();
    expect(() => Object.assign(config.eventbus, { port: 1 })).toThrow();
    expect(() => Object.assign(config.up.roles, { 0: "x" })).toThrow();
  });

  test("a file of the first generation loads unchanged", () => {
    const old = `
eventbus: {host: "0.0.0.0", port: 50051, tls_enabled: true, cert_dir: certs, overload_mode: false, max_inflight: 100,
  hard_max: 500, metrics_port_1: 9000, metrics_port_2: 9100, health_port: 8080, metrics_disabled: false,
  log_level: INFO}
agent: {cert_dir: certs, wal_path: data/wal/flowagent.db, bus_address: "localhost:50051", max_env_bytes: 131072,
  send_rate: 0, retry_max: 6, retry_timeout: 1.0, metrics_port: 9101, health_port: 8081, log_level: WARNING}
crypto: {ed25519_private_key: certs/agent.ed25519, trust_map_path: config/trust_map.yaml, ca_cert: certs/ca.crt,
  server_cert: certs/server.crt, server_key: certs/server.key, agent_cert: certs/agent.crt, agent_key: certs/agent.key}
storage: {data_dir: data, wal_dir: data/wal, storage_dir: data/storage, metrics_dir: data/metrics,
  max_wal_bytes: 209715200}`;
    const { config } = load(old);
    expect(config.eventbus).toMatchObject({ overload_mode: "off", log_level: "info" });
    expect(config.agent).toMatchObject({ log_level: "warn", metrics_port: 9101 });
  });
});
