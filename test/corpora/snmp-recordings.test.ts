import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DeviceTelemetry } from "../../src/gen/universal_telemetry_pb.ts";
import { metricsOf, runCollector, statusesOf } from "../collectors/snmp/run-collector.ts";
import { readRecording, SnmprecResponder } from "../support/snmprec-responder.ts";
import { knownDifferences } from "./snmp-known-differences.ts";

// Recorded walks of real devices, replayed over UDP, against what LibreNMS and thola make of the same recordings, and
// against the recordings themselves.

const corpora = process.env.AMOSKYS_CORPORA;
if (!corpora) process.stderr.write("skipped: recorded SNMP devices (AMOSKYS_CORPORA is not set)\n");
const librenms = join(corpora ?? "", "snmp-librenms");
const thola = join(corpora ?? "", "snmp-thola");

const recordings = corpora
  ? [
      ...readdirSync(join(librenms, "snmpsim")).map((file) => ({
        name: file.replace(".snmprec", ""),
        path: join(librenms, "snmpsim", file),
        truth: join(librenms, "data", file.replace(".snmprec", ".json")),
      })),
      ...readdirSync(thola)
        .filter((name) => existsSync(join(thola, name, "public.snmprec")))
        .map((name) => ({
          name,
          path: join(thola, name, "public.snmprec"),
          truth: join(thola, name, "public.testdata"),
        })),
    ]
  : [];

const responders: SnmprecResponder[] = [];
afterAll(() => {
  for (const responder of responders) responder.close();
});

/** One round over one recording. */
async function replay(path: string): Promise<DeviceTelemetry[]> {
  const responder = await SnmprecResponder.open(path);
  responders.push(responder);
  const devices = [{ host: "127.0.0.1", port: responder.port, community: "public", name: "device" }];
  const { telemetry } = await runCollector({ profile: "network_focus", timeout_s: 5, devices });
  return [...telemetry];
}

/** What we say of each interface, by ifIndex. */
function interfacesOf(telemetry: readonly DeviceTelemetry[]): Map<string, Record<string, string | number | undefined>> {
  const number = (index: string, name: string, labels = {}) =>
    metricsOf(telemetry, `snmp.interface.${name}`, { index, ...labels })[0]?.numericValue;
  return new Map(
    metricsOf(telemetry, "snmp.interface.description").map(({ labels, stringValue }) => {
      const index = labels.index as string;
      return [
        index,
        {
          ifDescr: stringValue,
          ifName: labels.interface,
          ifAlias: labels.alias,
          ifPhysAddress: labels.hardware_address?.replaceAll(":", ""),
          ifType: number(index, "type"),
          ifSpeed: number(index, "speed"),
          ifAdminStatus: number(index, "admin_status"),
          ifOperStatus: number(index, "oper_status"),
          ifInOctets: number(index, "bytes_in"),
          ifOutOctets: number(index, "bytes_out"),
          ifInErrors: number(index, "errors", { direction: "in" }),
          ifOutErrors: number(index, "errors", { direction: "out" }),
          ifInDiscards: number(index, "discards", { direction: "in" }),
          ifOutDiscards: number(index, "discards", { direction: "out" }),
        },
      ];
    }),
  );
}

/** IANAifType-MIB and IF-MIB by the names that LibreNMS writes. */
const typeNames: Readonly<Record<string, number>> = {
  other: 1,
  ethernetCsmacd: 6,
  ppp: 23,
  softwareLoopback: 24,
  propVirtual: 53,
  tunnel: 131,
  l2vlan: 135,
  ieee8023adLag: 161,
  bridge: 209,
  opticalTransport: 196,
  opticalChannel: 195,
  mplsTunnel: 150,
  gpon: 250,
  sonet: 39,
  l3ipvlan: 136,
  rs232: 33,
  iso88023Csmacd: 7,
};
const statusNames: Readonly<Record<string, number>> = {
  up: 1,
  down: 2,
  testing: 3,
  unknown: 4,
  dormant: 5,
  notPresent: 6,
  lowerLayerDown: 7,
};

type Port = Readonly<Record<string, string | number | null>>;

interface LibrenmsTruth {
  readonly ports?: Readonly<Record<"discovery" | "poller", { readonly ports: readonly Port[] } | string>>;
}

/** The rows of a truth: those of the poller, which have the counters, where they are told apart. */
function portsOf({ ports }: LibrenmsTruth): readonly Port[] {
  const found = typeof ports?.poller === "object" ? ports.poller : ports?.discovery;
  return typeof found === "object" ? found.ports : [];
}

/** A value of LibreNMS as the MIB has it. */
function fromName(column: string, value: string | number): string | number | undefined {
  if (column === "ifType") return typeNames[value] ?? Number(value);
  if (column.endsWith("Status")) return statusNames[value] ?? Number(value);
  return value;
}

const compared = [
  "ifDescr",
  "ifName",
  "ifAlias",
  "ifType",
  "ifSpeed",
  "ifPhysAddress",
  "ifAdminStatus",
  "ifOperStatus",
  "ifInOctets",
  "ifOutOctets",
  "ifInErrors",
  "ifOutErrors",
  "ifInDiscards",
  "ifOutDiscards",
] as const;

describe.skipIf(!corpora)("LibreNMS's recordings", () => {
  const found = recordings.filter(({ truth }) => truth.endsWith(".json"));
  let cells = 0;

  test.each(found)("$name: every interface is what LibreNMS makes of it", async ({ name, path, truth }) => {
    const telemetry = await replay(path);
    expect(statusesOf(telemetry)[0]?.status).toBe("ONLINE");
    const ours = interfacesOf(telemetry);
    const differences: string[] = [];
    for (const port of portsOf(JSON.parse(readFileSync(truth, "utf8")) as LibrenmsTruth)) {
      const facts = ours.get(String(port.ifIndex));
      for (const column of compared) {
        const theirs = port[column];
        if (theirs === null || theirs === undefined || theirs === "") continue;
        cells += 1;
        // LibreNMS puts the description where there is no alias, and 0 where a device does not count
        const absent = column === "ifAlias" ? facts?.ifDescr : /Octets|Errors|Discards/.test(column) ? 0 : undefined;
        const mine = facts?.[column] ?? absent;
        const expected = fromName(column, theirs);
        if (mine !== expected) differences.push(`${port.ifIndex} ${column}: ${mine} / ${theirs}`);
      }
    }
    expect(differences).toEqual([...(knownDifferences[name] ?? [])]);
  });

  test("that was something to compare", () => {
    expect(cells).toBeGreaterThan(2000);
  });
});

/** Columns of the recordings and what they become: the untouched values. */
const recorded = {
  ifType: "1.3.6.1.2.1.2.2.1.3",
  ifAdminStatus: "1.3.6.1.2.1.2.2.1.7",
  ifOperStatus: "1.3.6.1.2.1.2.2.1.8",
  ifInErrors: "1.3.6.1.2.1.2.2.1.14",
  ifOutErrors: "1.3.6.1.2.1.2.2.1.20",
  ifInDiscards: "1.3.6.1.2.1.2.2.1.13",
  ifOutDiscards: "1.3.6.1.2.1.2.2.1.19",
};
const preferred = {
  ifInOctets: ["1.3.6.1.2.1.31.1.1.1.6", "1.3.6.1.2.1.2.2.1.10"],
  ifOutOctets: ["1.3.6.1.2.1.31.1.1.1.10", "1.3.6.1.2.1.2.2.1.16"],
};

describe.skipIf(!corpora)("the recordings", () => {
  test.each(recordings)("$name: no interface and no value is missing or another", async ({ path }) => {
    const recording = readRecording(path);
    const ours = interfacesOf(await replay(path));
    const indexes = new Set<string>();
    for (const oid of recording.keys()) {
      const index =
        /^1\.3\.6\.1\.2\.1\.(?:2\.2\.1\.(?:[235678]|10|13|14|16|19|20)|31\.1\.1\.1\.(?:1|6|10|15|18))\.(\d+)$/.exec(
          oid,
        )?.[1];
      if (index !== undefined) indexes.add(index);
    }
    expect([...ours.keys()].toSorted()).toEqual([...indexes].toSorted());
    const value = (oid: string): number | undefined => {
      const text = recording.get(oid)?.text;
      return text === undefined || text === "" ? undefined : Number(text);
    };
    for (const index of indexes) {
      const facts = ours.get(index) ?? {};
      for (const [column, oid] of Object.entries(recorded))
        expect([index, column, facts[column]]).toEqual([index, column, value(`${oid}.${index}`)]);
      for (const [column, oids] of Object.entries(preferred)) {
        const expected = oids.map((oid) => value(`${oid}.${index}`)).find((number) => number !== undefined);
        expect([index, column, facts[column]]).toEqual([index, column, expected]);
      }
    }
  });
});

interface TholaTruth {
  readonly expectations: {
    readonly identify: { readonly properties: { readonly vendor: string; readonly model: string } };
    readonly readCountInterfaces: { readonly count: number };
    readonly checkInterfaceMetrics: {
      readonly performance_data: readonly { readonly metric: string; readonly label: string; readonly value: number }[];
    };
  };
}

/** What thola calls the columns. */
const tholaMetrics: Readonly<Record<string, string>> = {
  error_counter_in: "ifInErrors",
  error_counter_out: "ifOutErrors",
  packet_counter_discard_in: "ifInDiscards",
  packet_counter_discard_out: "ifOutDiscards",
  traffic_counter_in: "ifInOctets",
  traffic_counter_out: "ifOutOctets",
  interface_maxspeed_in: "ifSpeed",
  interface_maxspeed_out: "ifSpeed",
};

describe.skipIf(!corpora)("thola's recordings", () => {
  test.each(recordings.filter(({ truth }) => truth.endsWith("testdata")))(
    "$name: counted, measured and identified as thola does",
    async ({ path, truth }) => {
      const telemetry = await replay(path);
      const { identify, readCountInterfaces, checkInterfaceMetrics } = (
        JSON.parse(readFileSync(truth, "utf8")) as TholaTruth
      ).expectations;
      const ours = interfacesOf(telemetry);
      expect(ours.size).toBe(readCountInterfaces.count);
      const byDescription = new Map([...ours.values()].map((facts) => [facts.ifDescr, facts]));
      let cells = 0;
      for (const { metric, label, value } of checkInterfaceMetrics.performance_data) {
        const column = tholaMetrics[metric];
        if (column === undefined) continue;
        cells += 1;
        expect([metric, label, byDescription.get(label)?.[column]]).toEqual([metric, label, value]);
      }
      expect(cells).toBeGreaterThan(20);
      const { manufacturer = "", model } = telemetry[0]?.metadata ?? {};
      const sameMaker: Readonly<Record<string, string>> = { Mikrotik: "MikroTik", HPE: "Hewlett Packard Enterprise" };
      expect([manufacturer, model]).toEqual([sameMaker[identify.properties.vendor] ?? "", identify.properties.model]);
    },
  );
});
