import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EncodedVarbind, integer, octets, oid, type ParsedRequest, response } from "../../support/ber-writer.ts";
import { SnmprecResponder } from "../../support/snmprec-responder.ts";
import { type Answer, HostileAgent } from "./hostile-agent.ts";
import { metricsOf, runCollector, statusesOf } from "./run-collector.ts";

const community = "s3cret-community";
const folders: string[] = [];
const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const recording = `1.3.6.1.2.1.1.1.0|4|RouterOS CHR
1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.14988.1
1.3.6.1.2.1.1.3.0|67|123456
1.3.6.1.2.1.1.5.0|4|edge
1.3.6.1.2.1.1.6.0|4|
1.3.6.1.2.1.2.2.1.2.1|4|Ethernet one
1.3.6.1.2.1.2.2.1.3.1|2|6
1.3.6.1.2.1.2.2.1.5.1|66|1000000000
1.3.6.1.2.1.2.2.1.6.1|4x|001ba90ba752
1.3.6.1.2.1.2.2.1.7.1|2|1
1.3.6.1.2.1.2.2.1.8.1|2|2
1.3.6.1.2.1.2.2.1.10.1|65|11
1.3.6.1.2.1.2.2.1.13.1|65|5
1.3.6.1.2.1.2.2.1.14.1|65|120
1.3.6.1.2.1.2.2.1.16.1|65|12
1.3.6.1.2.1.2.2.1.20.1|65|2000
1.3.6.1.2.1.25.2.2.0|2|2048
1.3.6.1.2.1.25.2.3.1.3.1|4|Physical memory
1.3.6.1.2.1.25.2.3.1.4.1|2|4096
1.3.6.1.2.1.25.2.3.1.5.1|2|1000
1.3.6.1.2.1.25.2.3.1.6.1|2|900
1.3.6.1.2.1.25.3.3.1.2.196608|2|95
1.3.6.1.2.1.31.1.1.1.1.1|4|ether1
1.3.6.1.2.1.31.1.1.1.6.1|70|4294967307
1.3.6.1.2.1.31.1.1.1.18.1|4|uplink
1.3.6.1.4.1.2021.10.1.3.1|4|4.31
`;

async function recorded(text = recording): Promise<SnmprecResponder> {
  const folder = mkdtempSync(join(tmpdir(), "amoskys-snmprec-"));
  folders.push(folder);
  writeFileSync(join(folder, "device.snmprec"), text);
  const responder = await SnmprecResponder.open(join(folder, "device.snmprec"));
  open.push(responder);
  return responder;
}

async function hostile(answer: Answer): Promise<HostileAgent> {
  const agent = await HostileAgent.open(answer);
  open.push(agent);
  return agent;
}

const device = (port: number, more: Record<string, unknown> = {}) => ({ host: "127.0.0.1", port, community, ...more });
const quick = { timeout_s: 0.06, retries: 0 };

describe("the SNMP collector", () => {
  test("says in one telemetry what a device answered, with units, names and severities", async () => {
    const { port } = await recorded();
    const { telemetry, health } = await runCollector({ ...quick, devices: [device(port, { tags: ["lab", "edge"] })] });
    expect(telemetry).toHaveLength(1);
    expect(telemetry[0]).toMatchObject({
      deviceId: "edge",
      deviceType: "NETWORK",
      protocol: "SNMP",
      collectionAgent: "snmp",
    });
    expect(telemetry[0]?.metadata).toMatchObject({
      manufacturer: "MikroTik",
      model: "CHR",
      ipAddress: "127.0.0.1",
      customProperties: { sys_object_id: "1.3.6.1.4.1.14988.1", tags: "lab,edge" },
    });
    expect(statusesOf(telemetry)).toMatchObject([
      { status: "ONLINE", previousStatus: "", uptimeSeconds: expect.closeTo(1234.56, 2) },
    ]);
    expect(statusesOf(telemetry)[0]?.responseTimeMs).toBeGreaterThan(0);
    const line = (name: string, value: string | number, unit: string, type: string, severity: string, labels = {}) =>
      `${name} ${value} ${unit} ${type} ${severity} ${JSON.stringify(labels)}`;
    const values = (telemetry[0]?.events ?? []).flatMap(({ metricData: m, severity }) =>
      m ? [line(m.metricName, m.stringValue || m.numericValue, m.unit, m.metricType, severity, m.labels)] : [],
    );
    const port1 = { index: "1", interface: "ether1" };
    const memory = { index: "1", name: "Physical memory" };
    expect(values.toSorted()).toEqual(
      [
        line("snmp.system.description", "RouterOS CHR", "", "GAUGE", "INFO"),
        line("snmp.system.uptime", 1234.56, "s", "COUNTER", "INFO"),
        line("snmp.system.name", "edge", "", "GAUGE", "INFO"),
        line("snmp.system.memory", 2_097_152, "bytes", "GAUGE", "INFO"),
        line("snmp.system.load_1m", 4.31, "1", "GAUGE", "WARN"),
        line("snmp.system.cpu_load", 95, "percent", "GAUGE", "CRITICAL", { index: "196608" }),
        line("snmp.storage.description", "Physical memory", "", "GAUGE", "INFO", memory),
        line("snmp.storage.allocation_unit", 4096, "bytes", "GAUGE", "INFO", memory),
        line("snmp.storage.size", 4_096_000, "bytes", "GAUGE", "INFO", memory),
        line("snmp.storage.used", 3_686_400, "bytes", "GAUGE", "WARN", memory),
        line("snmp.interface.description", "Ethernet one", "", "GAUGE", "INFO", {
          ...port1,
          alias: "uplink",
          hardware_address: "00:1b:a9:0b:a7:52",
        }),
        line("snmp.interface.type", 6, "1", "GAUGE", "INFO", port1),
        line("snmp.interface.speed", 1_000_000_000, "bit/s", "GAUGE", "INFO", port1),
        line("snmp.interface.admin_status", 1, "1", "GAUGE", "INFO", port1),
        line("snmp.interface.oper_status", 2, "1", "GAUGE", "INFO", port1),
        line("snmp.interface.bytes_in", 4_294_967_307, "bytes", "COUNTER", "INFO", port1),
        line("snmp.interface.bytes_out", 12, "bytes", "COUNTER", "INFO", port1),
        line("snmp.interface.errors", 120, "1", "COUNTER", "WARN", { ...port1, direction: "in" }),
        line("snmp.interface.errors", 2000, "1", "COUNTER", "CRITICAL", { ...port1, direction: "out" }),
        line("snmp.interface.discards", 5, "1", "COUNTER", "INFO", { ...port1, direction: "in" }),
      ].toSorted(),
    );
    expect(health).toMatchObject({
      status: "ok",
      message: "1 of 1 devices answer",
      figures: { online: 1, interfaces: 1 },
    });
  });

  test("dead devices are OFFLINE and slow nobody: the others are read while they are waited for", async () => {
    const alive = await recorded();
    const dead = await Promise.all(Array.from({ length: 8 }, () => hostile(() => [])));
    const devices = [
      ...dead.map(({ port }, i) => device(port, { name: `dead-${i}` })),
      ...Array.from({ length: 8 }, (_, i) => device(alive.port, { name: `alive-${i}` })),
    ];
    const { telemetry, health, counts, tookMs } = await runCollector({
      timeout_s: 0.5,
      retries: 1,
      max_concurrent: 16,
      devices,
    });
    const names = telemetry.map(({ deviceId }) => deviceId);
    expect(names.slice(0, 8).every((name) => name.startsWith("alive"))).toBe(true);
    expect(statusesOf(telemetry).map(({ status }) => status)).toEqual([
      ...Array(8).fill("ONLINE"),
      ...Array(8).fill("OFFLINE"),
    ]);
    expect(tookMs).toBeLessThan(4000);
    expect(health.message).toMatch(/^8 of 16 devices answer; not: dead-\d, .* and 3 more$/);
    expect(counts.get("amoskys_snmp_failures_total timeout")).toBe(8);
    expect(metricsOf(telemetry, "snmp.device.error", {})[0]?.stringValue).toContain("did not answer within 1000 ms");
  });

  test("no more devices are asked at once than the limit", async () => {
    const agents = await Promise.all(Array.from({ length: 6 }, () => hostile(() => [])));
    const devices = agents.map(({ port }) => device(port));
    const { tookMs } = await runCollector({ timeout_s: 0.1, retries: 0, max_concurrent: 2, devices });
    expect(tookMs).toBeGreaterThan(290);
  });

  test("a device has a deadline; what was read by then is kept", async () => {
    const answer = ({ community: name, requestId, oids, pdu }: ParsedRequest): readonly Uint8Array[] => {
      if (pdu === 0xa0)
        return [
          response(
            name,
            requestId,
            oids.map((o) => ({ oid: o, value: integer(1, 67) })),
          ),
        ];
      return [];
    };
    const { port } = await hostile(answer);
    const config = { timeout_s: 30, deadline_s: 0.3, devices: [device(port, { name: "slow" })] };
    const { telemetry, health, tookMs } = await runCollector(config);
    expect(statusesOf(telemetry)).toMatchObject([{ status: "DEGRADED" }]);
    expect(metricsOf(telemetry, "snmp.device.error")[0]?.stringValue).toBe("127.0.0.1 took longer than 0.3 s");
    expect(metricsOf(telemetry, "snmp.system.uptime")).toHaveLength(1);
    expect(tookMs).toBeLessThan(2000);
    expect(health.figures).toMatchObject({ degraded: 1, online: 0 });
  });

  test("a hostile walk leaves its device DEGRADED and the others whole", async () => {
    const loop = ({ community: name, requestId, oids, pdu }: ParsedRequest): readonly Uint8Array[] => {
      const value = (o: string): EncodedVarbind => ({
        oid: pdu === 0xa0 ? o : `${o}.1`.replace(/(\.1)+$/, ".1"),
        value: integer(7, 67),
      });
      return [response(name, requestId, oids.map(value))];
    };
    const bad = await hostile(loop);
    const good = await recorded();
    const devices = [device(bad.port, { name: "bad" }), device(good.port, { name: "good" })];
    const { telemetry, counts, log } = await runCollector({ ...quick, devices });
    const statuses = Object.fromEntries(
      statusesOf(telemetry).map(({ componentName, status }) => [componentName, status]),
    );
    expect(statuses).toEqual({ bad: "DEGRADED", good: "ONLINE" });
    expect(counts.get("amoskys_snmp_failures_total answer_invalid")).toBe(1);
    expect(log).toContain("OIDs do not increase");
    expect(metricsOf(telemetry, "snmp.interface.speed", { interface: "ether1" })).toHaveLength(1);
  });

  test("more interfaces than the limit: cut, DEGRADED, and said", async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `1.3.6.1.2.1.2.2.1.2.${i + 1}|4|port${i + 1}\n`).join("");
    const { port } = await recorded(`1.3.6.1.2.1.1.3.0|67|1\n${rows}`);
    const { telemetry } = await runCollector({ ...quick, max_interfaces: 20, devices: [device(port)] });
    expect(metricsOf(telemetry, "snmp.interface.description")).toHaveLength(20);
    expect(statusesOf(telemetry)).toMatchObject([{ status: "DEGRADED" }]);
    expect(metricsOf(telemetry, "snmp.device.error")[0]?.stringValue).toBe("A table has more rows than are read");
  });

  test("untrusted text is bounded and valid in events and harmless in lines", async () => {
    const name = Buffer.from("\x1b[2J\u202eevil\xff".repeat(40), "latin1");
    const { port } = await hostile(({ community: c, requestId, oids, pdu }) =>
      pdu === 0xa0
        ? [
            response(
              c,
              requestId,
              oids.map((o) => ({ oid: o, value: o.endsWith(".1.2.0") ? oid("1.3") : octets(name) })),
            ),
          ]
        : [],
    );
    const { telemetry, log, health } = await runCollector({ ...quick, devices: [device(port)] });
    expect(telemetry[0]?.deviceId.length).toBe(128);
    expect(telemetry[0]?.deviceId.isWellFormed()).toBe(true);
    expect(`${log}${health.message}`).not.toMatch(/[\x1b\u202e]/);
  });

  test("the status before is told from round to round, and a change is one line", async () => {
    let silent = false;
    const { port } = await hostile(({ community: c, requestId, oids }) =>
      silent
        ? []
        : [
            response(
              c,
              requestId,
              oids.map((o) => ({ oid: o, value: integer(1, 67) })),
            ),
          ],
    );
    const config = { ...quick, profile: "minimal", interval_s: 1, devices: [device(port, { name: "d" })] };
    const { telemetry, log } = await runCollector(config, {
      rounds: 3,
      between: (round) => {
        silent = round < 2;
      },
    });
    expect(statusesOf(telemetry).map(({ previousStatus, status }) => `${previousStatus}>${status}`)).toEqual([
      ">ONLINE",
      "ONLINE>OFFLINE",
      "OFFLINE>ONLINE",
    ]);
    expect(log.split("\n")).toHaveLength(2);
    expect(log).toContain("snmp: d is well again");
  });

  test("the community is in no event, no line and no health", async () => {
    const wrong = await hostile(({ requestId }) => [response(`${community}!`, requestId, [])]);
    const silent = await hostile(() => []);
    const { port } = await recorded();
    const devices = [device(port), device(wrong.port), device(silent.port)];
    const { telemetry, log, health } = await runCollector({ ...quick, devices });
    const shown = [Bun.inspect(telemetry, { depth: 20 }), log, JSON.stringify(health)].join("\n");
    expect(telemetry).toHaveLength(3);
    expect(shown).not.toContain(community);
  });

  test("an algorithm that is missing: one line with facility_missing, and the others are polled", async () => {
    const { port } = await recorded();
    const user = {
      name: "u",
      auth: "sha",
      auth_password: "authpass123",
      priv: "aes192b",
      priv_password: "privpass123",
    };
    const devices = [device(port, { name: "good" }), { host: "127.0.0.1", name: "new", version: "3", user }];
    const { telemetry, log } = await runCollector({ ...quick, devices });
    expect(
      Object.fromEntries(statusesOf(telemetry).map(({ componentName, status }) => [componentName, status])),
    ).toEqual({
      good: "ONLINE",
      new: "OFFLINE",
    });
    expect(log).toContain('snmp: new: SNMPv3 with aes192b is not possible in this runtime {"code":"facility_missing"');
    expect(log.split("\n")).toHaveLength(1);
  });

  test("a host without an address is OFFLINE", async () => {
    // longer than a label may be: no resolver is asked
    const nobody = "x".repeat(64);
    const { telemetry } = await runCollector({
      ...quick,
      deadline_s: 5,
      devices: [device(161, { host: nobody })],
    });
    expect(telemetry[0]).toMatchObject({ deviceId: nobody });
    expect(statusesOf(telemetry)).toMatchObject([{ status: "OFFLINE" }]);
  });

  test("nothing to poll is a configuration that is wrong, with what to set", async () => {
    const failure = await runCollector({}).catch((caught: unknown) => caught);
    expect(failure).toMatchObject({ code: "config_invalid", hint: expect.stringContaining("snmp.devices") });
  });
});

describe("discovery", () => {
  const discovery = { enabled: true, community, timeout_s: 0.1, rate: 1000 };

  test("finds who answers in the configured range, asks nobody else, and keeps to its rate", async () => {
    const { port } = await recorded();
    const found = await runCollector({
      ...quick,
      discovery: { ...discovery, port, rate: 100, subnets: ["127.0.0.0/28"] },
    });
    expect(
      found.telemetry.map(({ deviceId, metadata }) => [deviceId, metadata?.ipAddress, metadata?.customProperties.tags]),
    ).toEqual([["edge", "127.0.0.1", "discovered"]]);
    expect(found.counts.get("amoskys_snmp_addresses_asked_total")).toBe(14);
    expect(found.tookMs).toBeGreaterThan(130);
    expect(found.log).toContain("snmp: found 127.0.0.1");
  });

  test("a range without the device does not find it, and a device that is known is not asked again", async () => {
    const responder = await recorded();
    const { port } = responder;
    const elsewhere = await runCollector({ ...quick, discovery: { ...discovery, port, subnets: ["127.0.0.8/29"] } });
    expect(elsewhere.telemetry).toEqual([]);
    expect(responder.requests).toBe(0);
    const known = await runCollector({
      ...quick,
      devices: [device(port)],
      discovery: { ...discovery, port, subnets: ["127.0.0.0/30"] },
    });
    expect(known.telemetry).toHaveLength(1);
    expect(known.counts.get("amoskys_snmp_addresses_asked_total")).toBe(1);
  });

  test("is off by default, and public ranges are refused", async () => {
    const { snmpConfigSchema } = await import("../../../src/collectors/snmp/config.ts");
    expect(snmpConfigSchema.parse({}).discovery).toMatchObject({ enabled: false, subnets: [] });
    const parsed = snmpConfigSchema.safeParse({ discovery: { ...discovery, subnets: ["8.8.8.0/24"] } });
    expect(parsed.error?.issues[0]?.message).toContain("not private");
    expect(snmpConfigSchema.safeParse({ discovery: { enabled: true } }).success).toBe(false);
  });
});
