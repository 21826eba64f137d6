import { afterEach, describe, expect, spyOn, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type EncodedVarbind,
  element,
  integer,
  octets,
  oid,
  type ParsedRequest,
  parseRequest,
  response,
} from "../../support/ber-writer.ts";
import { SnmprecResponder } from "../../support/snmprec-responder.ts";
import { countSockets } from "./count-sockets.ts";
import { type Answer, HostileAgent } from "./hostile-agent.ts";
import { interfaceStatusesOf, metricsOf, runCollector, statusesOf } from "./run-collector.ts";

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
1.3.6.1.2.1.31.1.1.1.19.1|67|4200
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
/** For devices that do not answer; those that do may take their time on a busy host. */
const quick = { timeout_s: 0.15, retries: 0 };
const patient = { timeout_s: 5, retries: 0 };

describe("the SNMP collector", () => {
  test("says in one telemetry what a device answered, with units, names and severities", async () => {
    const { port } = await recorded();
    const { telemetry, health } = await runCollector({
      ...patient,
      devices: [device(port, { tags: ["lab", "edge"] })],
    });
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
    expect(interfaceStatusesOf(telemetry)).toMatchObject([
      { componentName: "interface ether1", status: "OFFLINE", previousStatus: "" },
    ]);
    const restarted = Number((telemetry[0]?.timestampNs ?? 0n) - (statusesOf(telemetry)[0]?.lastRestartTimeNs ?? 0n));
    expect(restarted).toBe(1234.56e9);
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
        line("snmp.interface.errors", 120, "1", "COUNTER", "INFO", { ...port1, direction: "in" }),
        line("snmp.interface.errors", 2000, "1", "COUNTER", "INFO", { ...port1, direction: "out" }),
        line("snmp.interface.counter_discontinuity", 42, "s", "GAUGE", "INFO", port1),
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

  test("five dead devices of twenty, asked first, leave one place: the others all come before them", async () => {
    const alive = await recorded();
    const dead = await Promise.all(Array.from({ length: 5 }, () => hostile(() => [])));
    const devices = [
      ...dead.map(({ port }) => device(port, { name: "dead" })),
      ...Array.from({ length: 15 }, (_, i) => device(alive.port, { name: `alive-${i}` })),
    ];
    const config = { timeout_s: 1, retries: 1, max_concurrent: 6, devices };
    const { telemetry } = await runCollector(config);
    const firstDead = telemetry.findIndex(({ deviceId }) => deviceId === "dead");
    expect([firstDead, telemetry.length]).toEqual([15, 20]);
  });

  test("a device that misses every packet once is whole, by the retries", async () => {
    const missed = new Set<number>();
    const { port } = await hostile(({ community: c, requestId, oids }) => {
      if (!missed.has(requestId)) return missed.add(requestId) && [];
      const value = (o: string) => (o.endsWith(".0") ? integer(1, 67) : element(0x82));
      return [
        response(
          c,
          requestId,
          oids.map((o) => ({ oid: o, value: value(o) })),
        ),
      ];
    });
    const config = { timeout_s: 0.1, retries: 10, profile: "network_focus", devices: [device(port)] };
    const { telemetry, log } = await runCollector(config);
    expect(statusesOf(telemetry)).toMatchObject([{ status: "ONLINE" }]);
    expect(missed.size).toBeGreaterThan(5);
    expect(log).toBe("");
  });

  test("a device that answers for one table and not for the other: DEGRADED, and the one is there", async () => {
    const { port } = await hostile(({ community: c, requestId, oids, pdu }) => {
      if (pdu === 0xa0)
        return [
          response(
            c,
            requestId,
            oids.map((o) => ({ oid: o, value: integer(1, 67) })),
          ),
        ];
      if (oids.some((o) => o.startsWith("1.3.6.1.2.1.31."))) return [];
      const row = (o: string) => (/\.2\.2\.1\.\d+$/.test(o) ? `${o}.1` : o);
      const found = oids.map((o) => ({ oid: row(o), value: row(o) === o ? element(0x82) : integer(1) }));
      return [response(c, requestId, found)];
    });
    const config = { ...quick, profile: "network_focus", devices: [device(port, { name: "half" })] };
    const { telemetry, counts, log } = await runCollector(config);
    expect(statusesOf(telemetry)).toMatchObject([{ status: "DEGRADED" }]);
    expect(metricsOf(telemetry, "snmp.interface.speed", { index: "1" })).toHaveLength(1);
    expect(counts.get("amoskys_snmp_failures_total timeout")).toBe(1);
    expect(log.split("\n")).toHaveLength(1);
  });

  const answered = (c: string, requestId: number) =>
    response(c, requestId, [{ oid: "1.3.6.1.2.1.1.1.0", value: octets("x") }]);
  test.each<[string, Answer, boolean]>([
    ["malformed", ({ community: c, requestId }) => [answered(c, requestId).subarray(0, 30)], false],
    ["unexpected", ({ community: c, requestId }) => [answered(c, requestId ^ 1)], false],
    ["community", ({ requestId }) => [answered("public", requestId)], false],
    ["version", ({ community: c, requestId }) => [response(c, requestId, [], { version: 0 })], false],
    ["source", ({ community: c, requestId }) => [answered(c, requestId)], true],
  ])(
    "an answer that is %s is counted, told in one line, and leaves the others whole",
    async (reason, answer, strange) => {
      const bad = await HostileAgent.open(answer, strange ? { address: "127.0.0.3" } : undefined);
      open.push(bad);
      const good = await recorded();
      const devices = [device(bad.port, { name: "bad" }), device(good.port, { name: "good" })];
      const { telemetry, counts, log } = await runCollector({ ...quick, devices });
      const states = statusesOf(telemetry).map(({ componentName, status }) => `${componentName} ${status}`);
      // what comes from another address says nothing of the device
      expect(states.toSorted()).toEqual([strange ? "bad OFFLINE" : "bad DEGRADED", "good ONLINE"]);
      expect(counts.get(`amoskys_snmp_discarded_answers_total ${reason}`)).toBe(1);
      expect(counts.get("amoskys_snmp_failures_total answer_invalid")).toBe(1);
      expect(log).toMatch(
        /^warn snmp: bad: 127\.0\.0\.1:\d+ was asked for 1\.3\.6\.1\.2\.1\.1\.1\.0, and its answer is not valid/,
      );
      expect(log.split("\n")).toHaveLength(1);
    },
  );

  test("counters above 2^53 are there to the last digit; those below need no more than their number", async () => {
    const { port } = await recorded(`1.3.6.1.2.1.1.3.0|67|1
1.3.6.1.2.1.31.1.1.1.6.1|70|18446744073709551615
1.3.6.1.2.1.31.1.1.1.10.1|70|9007199254740991
`);
    const { telemetry } = await runCollector({ ...patient, profile: "network_focus", devices: [device(port)] });
    const text = (name: string) => metricsOf(telemetry, name).map(({ stringValue }) => stringValue);
    expect(text("snmp.interface.bytes_in.exact")).toEqual(["18446744073709551615"]);
    expect(metricsOf(telemetry, "snmp.interface.bytes_in")[0]?.numericValue).toBe(2 ** 64);
    expect(text("snmp.interface.bytes_out.exact")).toEqual([]);
    expect(metricsOf(telemetry, "snmp.interface.bytes_out")[0]?.numericValue).toBe(2 ** 53 - 1);
  });

  test("the chassis of ENTITY-MIB is in the metadata, behind a stack, and asked for once", async () => {
    const entity = (column: number, row: number, value: string) => `1.3.6.1.2.1.47.1.1.1.1.${column}.${row}|${value}\n`;
    const rows = [
      [5, 1, "2|11"],
      [5, 1001, "2|3"],
      [5, 1002, "2|9"],
      [8, 1001, "4|V02"],
      [9, 1001, "4|12.2(55r)"],
      [10, 1001, "4|15.2(7)E"],
      [11, 1, "4|no serial"],
      [11, 1001, "4|FOC1234X0AB "],
      [13, 1001, "4|WS-C2960X-48"],
    ] as const;
    const responder = await recorded(
      ["1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.9.1\n", ...rows.map(([c, r, v]) => entity(c, r, v))].join(""),
    );
    const asked: number[] = [];
    const config = { ...patient, interval_s: 1, profile: "minimal", devices: [device(responder.port)] };
    const { telemetry } = await runCollector(config, { rounds: 2, between: () => asked.push(responder.requests) });
    for (const { metadata } of telemetry) {
      expect(metadata).toMatchObject({
        manufacturer: "Cisco",
        model: "WS-C2960X-48",
        serialNumber: "FOC1234X0AB",
        hardwareVersion: "V02",
        firmwareVersion: "15.2(7)E",
      });
    }
    expect(telemetry).toHaveLength(2);
    expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBe((asked[0] ?? 0) - 1);
  });

  test("what did not answer last time is asked last", async () => {
    const alive = await recorded();
    const dead = await hostile(() => []);
    const devices = [device(dead.port, { name: "dead" }), device(alive.port, { name: "alive" })];
    const config = { ...quick, profile: "minimal", max_concurrent: 1, interval_s: 1, devices };
    const { telemetry } = await runCollector(config, { rounds: 2 });
    expect(telemetry.map(({ deviceId }) => deviceId)).toEqual(["dead", "alive", "alive", "dead"]);
  });

  test("a round leaves no socket behind, whether a device answers or not", async () => {
    const devices = [device((await recorded()).port), device((await hostile(() => [])).port)];
    const before = countSockets();
    const { telemetry } = await runCollector({ ...quick, devices });
    await Bun.sleep(10);
    expect([telemetry.length, countSockets()]).toEqual([2, before]);
  });

  test("stopping amid a round ends it at once, and no socket and no event is left", async () => {
    const before = countSockets();
    const silent = await hostile(() => []);
    const devices = Array.from({ length: 20 }, () => device(silent.port));
    const { telemetry, tookMs } = await runCollector({ timeout_s: 60, devices }, { stopAfterMs: 50 });
    silent.close();
    open.splice(0);
    await Bun.sleep(10);
    expect([telemetry.length, countSockets()]).toEqual([0, before]);
    expect(tookMs).toBeLessThan(2000);
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
    const { telemetry } = await runCollector({ ...patient, max_interfaces: 20, devices: [device(port)] });
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
    const id = telemetry[0]?.deviceId ?? "";
    expect(id).toMatch(/^\[2J\.evil/);
    expect(id.length).toBeLessThanOrEqual(128);
    expect(id).not.toMatch(/\p{C}/u);
    expect(`${log}${health.message}`).not.toMatch(/[\x1b\u202e]/);
  });

  test("a name that another device has is kept with the address behind it, and told once", async () => {
    const edges = await Promise.all([recorded(), recorded()]);
    const liar = await recorded(`1.3.6.1.2.1.1.3.0|67|1\n1.3.6.1.2.1.1.5.0|4|core\n`);
    const devices = [device(edges[0].port, { name: "core" }), ...[...edges, liar].map(({ port }) => device(port))];
    const config = { ...patient, profile: "minimal", interval_s: 1, max_concurrent: 1, devices };
    const { telemetry, log } = await runCollector(config, { rounds: 2 });
    const ids = ["core", "edge", `edge@127.0.0.1:${edges[1].port}`, `core@127.0.0.1:${liar.port}`];
    expect(telemetry.map(({ deviceId }) => deviceId)).toEqual([...ids, ...ids]);
    expect(log.split("\n").map((text) => text.slice(0, text.indexOf(" {")))).toEqual(
      ids.slice(2).map((id) => `warn snmp: 127.0.0.1 has another device's name: it is ${id}`),
    );
  });

  test("a device that lies in other words each round is one line", async () => {
    let said = 0;
    const { port } = await hostile(({ community: c, requestId }) => {
      said += 1;
      return [response(c, requestId, [{ oid: `1.3.6.${said}`, value: integer(1) }])];
    });
    const config = { ...patient, profile: "minimal", interval_s: 1, devices: [device(port, { name: "liar" })] };
    const { log, counts } = await runCollector(config, { rounds: 3 });
    expect(counts.get("amoskys_snmp_failures_total answer_invalid")).toBeGreaterThanOrEqual(2);
    expect(log.split("\n")).toHaveLength(1);
  });

  test("errors of old raise no severity; those since the round before do", async () => {
    const values = [2000, 2150, 4000];
    let round = 0;
    const { port } = await hostile(({ community: c, requestId, oids }) => {
      const of = (o: string) => {
        if (o.endsWith(".0")) return { oid: o, value: integer(1, 67) };
        return o.split(".").length > 10 ? { oid: o, value: element(0x82) } : { oid: `${o}.1`, value: count(o) };
      };
      const count = (o: string) => integer(o.endsWith(".2.2.1.14") ? (values[round] as number) : 1, 65);
      return [response(c, requestId, oids.map(of))];
    });
    const config = { ...patient, profile: "network_focus", interval_s: 1, devices: [device(port, { name: "d" })] };
    const { telemetry } = await runCollector(config, {
      rounds: values.length,
      between: (done) => {
        round = Math.min(done, values.length - 1);
      },
    });
    const errors = telemetry.flatMap(({ events }) =>
      events.flatMap(({ metricData: m, severity }) =>
        m?.metricName === "snmp.interface.errors" && m.labels.direction === "in" ? [severity] : [],
      ),
    );
    expect(errors).toEqual(["INFO", "WARN", "CRITICAL"]);
  });

  test("how full a storage is, is judged where that is trouble, and where its kind is not known", async () => {
    const kinds = { 1: "INFO", 2: "INFO", 3: "CRITICAL", 4: "CRITICAL", 8: "INFO", 9: "CRITICAL", none: "CRITICAL" };
    const rows = Object.keys(kinds).flatMap((kind, i) => [
      ...(kind === "none" ? [] : [`2.${i}|6|1.3.6.1.2.1.25.2.1.${kind}`]),
      `3.${i}|4|${kind}`,
      `4.${i}|2|4096`,
      `5.${i}|2|1000`,
      `6.${i}|2|990`,
      // of a size that it does not say nothing can be judged
      `6.9${i}|2|990`,
    ]);
    const { port } = await recorded(
      `1.3.6.1.2.1.1.3.0|67|1\n${rows.map((row) => `1.3.6.1.2.1.25.2.3.1.${row}\n`).join("")}`,
    );
    const { telemetry } = await runCollector({ ...patient, profile: "standard", devices: [device(port)] });
    const used = telemetry.flatMap(({ events }) =>
      events.flatMap(({ metricData: m, severity }) =>
        m?.metricName === "snmp.storage.used" ? [[m.labels.name ?? "", severity] as const] : [],
      ),
    );
    expect(Object.fromEntries(used.filter(([name]) => name !== ""))).toEqual(kinds);
    expect(used.filter(([name, severity]) => name === "" && severity !== "INFO")).toEqual([]);
    expect(used).toHaveLength(14);
  });

  test("a device that fills its answers with more than was asked for is not taken", async () => {
    const rest = "x".repeat(1024);
    const agents = await Promise.all(
      Array.from({ length: 4 }, () =>
        hostile(({ community: c, requestId, oids, pdu }) => {
          const next = (o: string, i: number) => `${o.split(".").slice(0, 11).join(".")}.${requestId}.${i}`;
          const found = Array.from({ length: 50 }, (_, i) => ({
            oid: next(oids[i % oids.length] as string, i),
            value: octets(rest),
          }));
          const plain = oids.map((o) => ({ oid: o, value: integer(1, 67) }));
          return [response(c, requestId, pdu === 0xa0 ? plain : found)];
        }),
      ),
    );
    const devices = agents.map(({ port }, i) => device(port, { name: `d${i}` }));
    const { telemetry, counts } = await runCollector({ ...patient, max_repetitions: 5, devices });
    expect(counts.get("amoskys_snmp_failures_total answer_invalid")).toBe(4);
    expect(metricsOf(telemetry, "snmp.device.error")[0]?.stringValue).toContain("rows in place of 5");
  });

  test.each([octets("9".repeat(200)), octets("-1"), integer(-5), integer(2n ** 62n)])(
    "a device whose uptime is no time is told like any other, and breaks no round (%#)",
    async (uptime) => {
      const value = (o: string) => (o === "1.3.6.1.2.1.1.3.0" ? uptime : octets("x"));
      const bad = await hostile(({ community: c, requestId, oids }) => [
        response(
          c,
          requestId,
          oids.map((o) => ({ oid: o, value: value(o) })),
        ),
      ]);
      const config = { ...patient, profile: "minimal", devices: [device(bad.port, { name: "bad" })] };
      const { telemetry, log } = await runCollector(config);
      expect(log).not.toContain("round failed");
      expect(statusesOf(telemetry)).toMatchObject([{ componentName: "bad", lastRestartTimeNs: 0n }]);
    },
  );

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

  test("an uptime that comes round after 497 days is no restart", async () => {
    let ticks = 2 ** 32 - 50;
    const { port } = await hostile(({ community: c, requestId, oids }) => [
      response(
        c,
        requestId,
        oids.map((o) => ({ oid: o, value: integer(ticks, 67) })),
      ),
    ]);
    const config = { ...patient, profile: "minimal", interval_s: 1, devices: [device(port, { name: "d" })] };
    const { telemetry } = await runCollector(config, {
      rounds: 2,
      between: () => {
        ticks = 50;
      },
    });
    const [first, second] = statusesOf(telemetry).map(({ lastRestartTimeNs }) =>
      Number(lastRestartTimeNs / 1_000_000n),
    );
    expect(Math.abs((second ?? 0) - (first ?? 0))).toBeLessThan(1000);
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
    const { telemetry, log, counts, health } = await runCollector({ ...quick, devices });
    // this host could not ask: it knows nothing of the device
    expect(statusesOf(telemetry).map(({ componentName, status }) => [componentName, status])).toEqual([
      ["good", "ONLINE"],
    ]);
    expect(telemetry.map(({ deviceId }) => deviceId)).toContain("new");
    expect(counts.get("amoskys_snmp_unasked_devices_total")).toBe(1);
    expect(health).toMatchObject({ status: "ok", message: "1 of 2 devices answer; not: new" });
    expect(log).toContain('snmp: new: SNMPv3 with aes192b is not possible in this runtime {"code":"facility_missing"');
    expect(log.split("\n")).toHaveLength(1);
  });

  test.each(["::1", "0:0:0:0:0:0:0:1"])("a device at %s answers, however its address is written", async (host) => {
    const server = await Bun.udpSocket({
      hostname: "::1",
      socket: {
        data: (socket, bytes, port, address) => {
          const { community: c, requestId, oids } = parseRequest(bytes);
          const found = oids.map((o) => ({ oid: o, value: integer(1, 67) }));
          socket.send(response(c, requestId, found), port, address);
        },
      },
    });
    open.push(server);
    const config = { ...patient, profile: "minimal", devices: [device(server.port, { host })] };
    const { telemetry, log } = await runCollector(config);
    expect([statusesOf(telemetry)[0]?.status, log]).toEqual(["ONLINE", ""]);
  });

  test("a host without an address could not be asked: it has no state", async () => {
    // longer than a label may be: no resolver is asked
    const nobody = "x".repeat(64);
    const config = { ...quick, deadline_s: 5, devices: [device(161, { host: nobody })] };
    const { telemetry, counts } = await runCollector(config);
    expect(telemetry[0]).toMatchObject({ deviceId: nobody });
    expect(statusesOf(telemetry)).toEqual([]);
    expect(metricsOf(telemetry, "snmp.device.error")[0]?.stringValue).toContain("has no address");
    expect(counts.get("amoskys_snmp_unasked_devices_total")).toBe(1);
  });

  test("no device that answers is a degraded agent; one dead device among others is not", async () => {
    const dead = await hostile(() => []);
    const alive = await recorded();
    const devices = [device(dead.port, { name: "dead" })];
    const none = await runCollector({ ...quick, profile: "minimal", devices });
    expect(none.health).toMatchObject({
      status: "degraded",
      message: "0 of 1 devices answer; not: dead; no device answers",
    });
    const some = await runCollector({ ...quick, profile: "minimal", devices: [...devices, device(alive.port)] });
    expect(some.health).toMatchObject({ status: "ok", figures: { offline: 1 } });
  });

  test("a round waits for room in the outbox before it emits", async () => {
    const { port } = await recorded();
    const asked: number[] = [];
    const { telemetry } = await runCollector(
      { ...patient, profile: "minimal", devices: [device(port)] },
      { room: (emitted) => void asked.push(emitted) },
    );
    expect([telemetry.length, asked]).toEqual([1, [0]]);
  });

  test("a device with thousands of interfaces keeps nobody waiting while it is told", async () => {
    const columns = ["2.2.1.2", "2.2.1.8", "2.2.1.10", "2.2.1.14", "2.2.1.16", "31.1.1.1.1", "31.1.1.1.6"];
    const rows = Array.from({ length: 5000 }, (_, i) => i + 1).flatMap((i) =>
      columns.map((column) => `1.3.6.1.2.1.${column}.${i}|${/\.[12]$/.test(column) ? "4|port" : "2|"}${i % 3}\n`),
    );
    const { port } = await recorded(`1.3.6.1.2.1.1.3.0|67|1\n${rows.join("")}`);
    const config = { timeout_s: 20, max_repetitions: 100, profile: "network_focus", devices: [device(port)] };
    const seenByTimers: number[] = [];
    let emitted = 0;
    const timer = setInterval(() => seenByTimers.push(emitted), 1);
    const { telemetry } = await runCollector(config, {
      room: (count) => {
        emitted = count;
      },
    });
    clearInterval(timer);
    expect(metricsOf(telemetry, "snmp.interface.description")).toHaveLength(5000);
    expect(telemetry.length).toBeGreaterThan(30);
    // timers ran between the first payload and the last
    expect(seenByTimers.filter((count) => count > 0 && count < telemetry.length).length).toBeGreaterThan(1);
  }, 30_000);

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

  test("a device that is configured by another name for its address is not found again", async () => {
    const { port } = await recorded();
    // a name that the resolver of the C library turns into 127.0.0.1
    const devices = [device(port, { host: "127.1" })];
    const config = { ...quick, devices, discovery: { ...discovery, port, subnets: ["127.0.0.0/30"] } };
    const { telemetry, counts } = await runCollector(config);
    expect(telemetry.map(({ metadata }) => metadata?.ipAddress)).toEqual(["127.0.0.1"]);
    expect(counts.get("amoskys_snmp_addresses_asked_total")).toBe(1);
  });

  test("a search that this host cannot make is said, and the agent is degraded", async () => {
    const opening = spyOn(Bun, "udpSocket").mockRejectedValue(Object.assign(new Error("full"), { code: "EMFILE" }));
    open.push({ close: () => opening.mockRestore() });
    const config = { ...quick, discovery: { ...discovery, port: 9, subnets: ["127.0.0.0/30"] } };
    const { health, log } = await runCollector(config);
    expect(health).toMatchObject({ status: "degraded" });
    expect(health.message).toContain(
      "the search failed: 2 addresses could not be asked: Cannot open a UDP socket: EMFILE",
    );
    expect(log.split("\n")).toHaveLength(1);
  });

  test("is off by default, and public ranges are refused", async () => {
    const { snmpConfigSchema } = await import("../../../src/collectors/snmp/config.ts");
    expect(snmpConfigSchema.parse({}).discovery).toMatchObject({ enabled: false, subnets: [] });
    const parsed = snmpConfigSchema.safeParse({ discovery: { ...discovery, subnets: ["8.8.8.0/24"] } });
    expect(parsed.error?.issues[0]?.message).toContain("not private");
    expect(snmpConfigSchema.safeParse({ discovery: { enabled: true } }).success).toBe(false);
  });
});
