import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { SnmpDaemon, snmpProgram, textOfHex } from "../../support/snmp-daemon.ts";
import { metricsOf, runCollector, statusesOf } from "./run-collector.ts";

// Debian's snmpd on loopback, against what Debian's snmpget and snmpbulkwalk print of it before and after: what stands
// still is equal, what counts lies between.

const auths = { md5: "MD5", sha: "SHA", sha224: "SHA-224", sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512" };
const privs = { des: "DES", aes: "AES", aes256b: "AES-256", aes256r: "AES-256-C" };
const community = "lab-community";
const v2c = ["-v2c", "-c", community];

const users: { name: string; auth?: keyof typeof auths; priv?: keyof typeof privs }[] = [
  { name: "nobody" },
  ...(Object.keys(auths) as (keyof typeof auths)[]).flatMap((auth) => [
    { name: `a${auth}`, auth },
    ...(Object.keys(privs) as (keyof typeof privs)[]).map((priv) => ({ name: `p${auth}${priv}`, auth, priv })),
  ]),
];

const authPassword = "auth password 1";
const privPassword = "priv password 2";
let daemon: SnmpDaemon | undefined;

const available = snmpProgram("snmpd") !== undefined;

beforeAll(async () => {
  const lines = users.flatMap(({ name, auth, priv }) => [
    [
      "createUser",
      name,
      ...(auth ? [auths[auth], `"${authPassword}"`] : []),
      ...(priv ? [privs[priv], `"${privPassword}"`] : []),
    ].join(" "),
    `rouser ${name} ${priv ? "priv" : auth ? "auth" : "noauth"}`,
  ]);
  if (available)
    daemon = await SnmpDaemon.start(community, [
      "sysLocation Büro 3",
      "sysContact lab@example.org",
      "sysName core-1",
      ...lines,
    ]);
}, 30_000);
afterAll(async () => await daemon?.stop());

const device = (access: Record<string, unknown>) => ({ host: "127.0.0.1", port: daemon?.port, ...access });

/** The columns of a table: index to what net-snmp prints. */
function columnOf(walked: ReadonlyMap<string, string>, column: string): Map<string, string> {
  return new Map(
    [...walked].flatMap(([oid, value]) =>
      oid.startsWith(`${column}.`) ? [[oid.slice(column.length + 1), value]] : [],
    ),
  );
}

describe.skipIf(!available)("against snmpd", () => {
  test("system, interfaces, storage, processors and load are what snmpbulkwalk says", async () => {
    const walk = (oid: string) => daemon?.walk(oid, v2c) ?? new Map<string, string>();
    const roots = ["1.3.6.1.2.1.1", "1.3.6.1.2.1.2.2", "1.3.6.1.2.1.31.1.1", "1.3.6.1.2.1.25", "1.3.6.1.4.1.2021.10"];
    const before = new Map(roots.flatMap((root) => [...walk(root)]));
    const { telemetry } = await runCollector({ devices: [device({ community })], max_rows: 10_000 });
    const after = new Map(roots.flatMap((root) => [...walk(root)]));
    expect(statusesOf(telemetry)).toMatchObject([{ status: "ONLINE" }]);
    const number = (name: string, labels = {}) => metricsOf(telemetry, name, labels)[0]?.numericValue;
    const text = (name: string, labels = {}) => metricsOf(telemetry, name, labels)[0]?.stringValue;

    expect(telemetry[0]?.deviceId).toBe("core-1");
    expect(text("snmp.system.location")).toBe("Büro 3");
    expect(text("snmp.system.contact")).toBe("lab@example.org");
    expect(text("snmp.system.description")).toBe(textOfHex(before.get("1.3.6.1.2.1.1.1.0")).slice(0, 256));
    const uptime = [before, after].map((walked) => Number(walked.get("1.3.6.1.2.1.1.3.0")) / 100);
    expect(number("snmp.system.uptime")).toBeWithin(uptime[0] as number, (uptime[1] as number) + 0.02);
    expect(number("snmp.system.memory")).toBe(Number(before.get("1.3.6.1.2.1.25.2.2.0")) * 1024);
    expect(metricsOf(telemetry, "snmp.system.cpu_load")).toHaveLength(columnOf(before, "1.3.6.1.2.1.25.3.3.1.2").size);
    expect(metricsOf(telemetry, "snmp.system.load_1m")).toHaveLength(1);

    const names = columnOf(before, "1.3.6.1.2.1.31.1.1.1.1");
    expect(names.size).toBeGreaterThan(1);
    expect(metricsOf(telemetry, "snmp.interface.description")).toHaveLength(names.size);
    for (const [index, name] of names) {
      const cell = (column: string, walked = before) => walked.get(`1.3.6.1.2.1.2.2.1.${column}.${index}`);
      const labels = { index, interface: textOfHex(name) };
      expect(text("snmp.interface.description", labels)).toBe(textOfHex(cell("2")));
      const hardware =
        textOfHex(cell("6")) === "" ? undefined : expect.stringMatching(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
      expect(metricsOf(telemetry, "snmp.interface.description", labels)[0]?.labels.hardware_address).toEqual(hardware);
      expect(number("snmp.interface.type", labels)).toBe(Number(cell("3")));
      expect(number("snmp.interface.admin_status", labels)).toBe(Number(cell("7")));
      expect(number("snmp.interface.oper_status", labels)).toBe(Number(cell("8")));
      const highSpeed = Number(before.get(`1.3.6.1.2.1.31.1.1.1.15.${index}`));
      const speed = Number(cell("5"));
      expect(number("snmp.interface.speed", labels)).toBe(speed === 4_294_967_295 ? highSpeed * 1e6 : speed);
      const counters: [string, string, Record<string, string>][] = [
        ["snmp.interface.bytes_in", `1.3.6.1.2.1.31.1.1.1.6.${index}`, {}],
        ["snmp.interface.bytes_out", `1.3.6.1.2.1.31.1.1.1.10.${index}`, {}],
        ["snmp.interface.errors", `1.3.6.1.2.1.2.2.1.14.${index}`, { direction: "in" }],
        ["snmp.interface.errors", `1.3.6.1.2.1.2.2.1.20.${index}`, { direction: "out" }],
        ["snmp.interface.discards", `1.3.6.1.2.1.2.2.1.13.${index}`, { direction: "in" }],
        ["snmp.interface.discards", `1.3.6.1.2.1.2.2.1.19.${index}`, { direction: "out" }],
      ];
      for (const [metric, oid, more] of counters) {
        const bounds = [before, after].map((walked) => Number(walked.get(oid))) as [number, number];
        expect(number(metric, { ...labels, ...more })).toBeWithin(bounds[0], bounds[1] + 1);
      }
    }

    const storage = columnOf(before, "1.3.6.1.2.1.25.2.3.1.3");
    for (const [index, name] of storage) {
      const cell = (column: number) => Number(before.get(`1.3.6.1.2.1.25.2.3.1.${column}.${index}`));
      const labels = { index, name: textOfHex(name) };
      expect(number("snmp.storage.allocation_unit", labels)).toBe(cell(4));
      expect(number("snmp.storage.size", labels)).toBe(cell(5) * cell(4));
    }
    expect(storage.size).toBeGreaterThan(2);
    const processes = columnOf(before, "1.3.6.1.2.1.25.4.2.1.2");
    const own = metricsOf(telemetry, "snmp.process.name").find(({ stringValue }) => stringValue === "snmpd");
    expect(textOfHex(processes.get(own?.labels.index ?? ""))).toBe("snmpd");
  }, 20_000);

  test.each(users)("SNMPv3 %p", async ({ name, auth, priv }) => {
    const user = {
      name,
      ...(auth ? { auth, auth_password: authPassword } : {}),
      ...(priv ? { priv, priv_password: privPassword } : {}),
    };
    const { telemetry, log } = await runCollector({ profile: "minimal", devices: [device({ version: "3", user })] });
    expect(log).toBe("");
    expect(statusesOf(telemetry)).toMatchObject([{ status: "ONLINE" }]);
    expect(metricsOf(telemetry, "snmp.system.name")[0]?.stringValue).toBe("core-1");
  });

  test.each([
    ["an unknown user", { name: "who" }, /refuses the SNMPv3 user: unknown user name/],
    [
      "a wrong password",
      { name: "asha256", auth: "sha256", auth_password: "wrong password" },
      /refuses the SNMPv3 user: wrong digest/,
    ],
    [
      "too little security",
      { name: "nobody", auth: "md5", auth_password: authPassword },
      /refuses the SNMPv3 user: unsupported security level/,
    ],
    [
      "a wrong key of encryption",
      { name: "pshaaes", auth: "sha", auth_password: authPassword, priv: "aes", priv_password: "wrong password" },
      /refuses the SNMPv3 user|did not answer|not valid/,
    ],
  ])("SNMPv3 with %s: DEGRADED for a refusal, the reason, and no password", async (_what, user, reason) => {
    const config = { timeout_s: 0.2, retries: 0, profile: "minimal", devices: [device({ version: "3", user })] };
    const { telemetry, log } = await runCollector(config);
    // without its key an agent may well be silent
    const status = log.includes("did not answer") ? "OFFLINE" : "DEGRADED";
    expect(statusesOf(telemetry)).toMatchObject([{ status }]);
    expect(log).toMatch(reason);
    expect(`${log}${Bun.inspect(telemetry, { depth: 20 })}`).not.toMatch(/wrong password|auth password/);
  });

  test("v1 reads what v2c reads, but for counters of 64 bits, which it does not have", async () => {
    const devices = [device({ community, name: "two" }), device({ version: 1, community, name: "one" })];
    const { telemetry, log } = await runCollector({ profile: "full", max_rows: 10_000, devices });
    expect(log).toBe("");
    const metricsBy = (id: string) =>
      telemetry
        .filter(({ deviceId }) => deviceId === id)
        .flatMap(({ events }) => events)
        .flatMap(({ metricData: m }) => (m ? [`${m.metricName} ${JSON.stringify(m.labels)}`] : []));
    expect(statusesOf(telemetry).map(({ status }) => status)).toEqual(["ONLINE", "ONLINE"]);
    expect(metricsBy("one").toSorted()).toEqual(metricsBy("two").toSorted());
    const walked = daemon?.walk("1.3.6.1.2.1.2.2.1.10", v2c) ?? new Map<string, string>();
    for (const [oid, value] of walked) {
      const index = oid.split(".").at(-1) as string;
      const bytes = metricsOf(
        telemetry.filter(({ deviceId }) => deviceId === "one"),
        "snmp.interface.bytes_in",
        { index },
      )[0]?.numericValue;
      expect(bytes).toBeWithin(0, Number(value) + 1);
    }
    expect(walked.size).toBeGreaterThan(1);
  });

  test("v3 reads the same interfaces as v2c", async () => {
    const user = {
      name: "psha256aes",
      auth: "sha256",
      auth_password: authPassword,
      priv: "aes",
      priv_password: privPassword,
    };
    const devices = [device({ community, name: "two" }), device({ version: "3", user, name: "three" })];
    const { telemetry } = await runCollector({ profile: "network_focus", devices });
    const names = (id: string) =>
      metricsOf(
        telemetry.filter(({ deviceId }) => deviceId === id),
        "snmp.interface.description",
      ).map(({ labels }) => labels.interface);
    expect(names("three")).toEqual(names("two"));
    expect(names("two").length).toBeGreaterThan(1);
  });
});
