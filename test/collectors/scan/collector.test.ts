import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { DeviceTelemetry } from "../../../src/gen/universal_telemetry_pb.ts";
import { peerProgram } from "../../support/debian.ts";
import { namespaceObstacle } from "../../support/network-namespace.ts";
import { Lab, type LabHost } from "./lab.ts";
import { connections, serve } from "./lab-server.ts";
import { eventKinds, openPorts, runScans } from "./run-scans.ts";

const hosts: readonly LabHost[] = [
  {
    address: "10.98.0.11",
    hardwareAddress: "b8:27:eb:00:00:11",
    services: [
      [22, "ssh"],
      [80, "http"],
      [9000, "http"],
    ],
  },
  {
    address: "10.98.0.12",
    hardwareAddress: "00:00:00:00:00:12",
    services: [
      [21, "ftp"],
      [25, "smtp"],
      [3306, "mysql"],
    ],
  },
  {
    address: "10.98.0.13",
    hardwareAddress: "02:00:00:00:00:13",
    services: [
      [53, "dns"],
      [6379, "redis"],
      [8443, "tls"],
    ],
  },
  {
    address: "10.98.0.14",
    hardwareAddress: "02:00:00:00:00:14",
    services: [
      [1883, "mqtt"],
      [5432, "postgres"],
      [2121, "plain-ftp"],
      [7000, "redis"],
    ],
  },
];
const ports = "21,22,25,53,80,443,1883,2121,3306,5432,6379,7000,8443,9000";
const kinds: Readonly<Record<string, string>> = { "plain-ftp": "ftp" };
const main = resolve(import.meta.dir, "../../../src/main.ts");

const obstacle = namespaceObstacle();

describe.skipIf(obstacle !== undefined)("a lab of four hosts", () => {
  const folder = mkdtempSync(join(tmpdir(), "amoskys-scan-"));
  let lab: Lab;

  beforeAll(async () => {
    const files = ["-keyout", join(folder, "key"), "-out", join(folder, "cert"), "-subj", "/CN=lab", "-days", "1"];
    const made = Bun.spawnSync(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", ...files]);
    if (made.exitCode !== 0) throw new Error(made.stderr.toString());
    const read = (name: string) => readFileSync(join(folder, name), "latin1");
    lab = await Lab.open(hosts, { cert: read("cert"), key: read("key") });
  }, 20_000);
  afterAll(async () => {
    await lab?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function scan(wrapper: readonly string[], ...more: string[]) {
    const command = ["agent", "scan", "--once", "--print", "--target", "10.98.0.0/28", "--ports", ports, ...more];
    const outcome = await lab.run(...wrapper, process.execPath, main, "--home", folder, ...command);
    if (outcome.status !== 0) throw new Error(outcome.stderr);
    const events = outcome.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).event as Record<string, unknown>);
    return { ...outcome, events: events.sort((a, b) => address(a).localeCompare(address(b))) };
  }

  test("every host with its hardware address, vendor, ports and services; nmap sees the same", async () => {
    const { status, stderr, events } = await scan([]);
    expect([status, stderr]).toEqual([0, ""]);
    const found = events.filter((event) => address(event) !== "10.98.0.1");
    expect(found.map((event) => [address(event), event.deviceId, servicesOf(event)])).toEqual(
      hosts.map(({ address, hardwareAddress, services }) => [
        address,
        hardwareAddress,
        services.map(([port, kind]) => `${port} ${kinds[kind] ?? kind}`).sort(),
      ]) as never,
    );
    expect(found.map((event) => (event.metadata as { manufacturer?: string }).manufacturer)).toEqual([
      "Raspberry Pi Foundation",
      "XEROX CORPORATION",
      undefined,
      undefined,
    ]);

    const nmap = peerProgram("nmap", [
      "nmap",
      "nmap-common",
      "libblas3",
      "liblinear4",
      "liblua5.3-0",
      "libpcap0.8",
      "libpcre3",
      "libssh2-1",
      "lua-lpeg",
    ]);
    if (!nmap) return;
    const root = nmap.replace(/\/usr\/bin\/nmap$/, "");
    const folders = ["usr/lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/blas", "lib/x86_64-linux-gnu"];
    const libraries = `LD_LIBRARY_PATH=${folders.map((folder) => join(root, folder)).join(":")}`;
    const data = ["--datadir", `${root}/usr/share/nmap`];
    const seen = await lab.run(
      "env",
      libraries,
      nmap,
      ...data,
      "-n",
      "-sT",
      ...(process.env.AMOSKYS_LONG ? ["-sV", "--version-light"] : []),
      "-p",
      ports,
      "-oG",
      "-",
      "10.98.0.0/28",
    );
    expect([seen.status, seen.stderr]).toEqual([0, ""]);
    const theirs = [...seen.stdout.matchAll(/^Host: (\S+) .*Ports: (.*?)(?:\t|$)/gm)].map(([, host, list]) => [
      host,
      [...(list as string).matchAll(/(\d+)\/open\//g)].map(([, port]) => Number(port)),
    ]);
    expect(events.map((event) => [address(event), openPortsOf(event)])).toEqual(theirs.sort() as never);
  }, 60_000);

  test("without CAP_NET_RAW: one line, and the same hosts by TCP", async () => {
    const { status, stderr, events } = await scan(["setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw"]);
    expect(status).toBe(0);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toContain("CAP_NET_RAW is missing");
    expect(events.map((event) => `${event.protocol} ${event.deviceId}`)).toEqual([
      "TCP 10.98.0.1",
      ...hosts.map((host) => `TCP ${host.address}`),
    ]);
  }, 30_000);
});

function address(event: Record<string, unknown>): string {
  return (event.metadata as { ipAddress: string }).ipAddress;
}
function openPortsOf(event: Record<string, unknown>): number[] {
  return (event.metadata as { openPorts?: number[] }).openPorts ?? [];
}
function servicesOf(event: Record<string, unknown>): string[] {
  const events = event.events as { metricData?: { metricName: string; labels: Record<string, string> } }[];
  return events
    .flatMap(({ metricData }) => (metricData?.metricName === "scan.port.open" ? [metricData.labels] : []))
    .map(({ port, service }) => `${port} ${service}`)
    .sort();
}

describe("the scan collector on loopback", () => {
  const open: { stop(): void }[] = [];
  afterEach(() => {
    for (const one of open.splice(0)) one.stop();
  });
  const start = (kind: string, port = 0) => {
    const server = serve("127.0.0.1", port, kind);
    open.push(server);
    return server;
  };
  const quick = { targets: ["127.0.0.1"], banner_timeout_s: 0.6, banner_bytes_max: 1024 };

  test("what talks without end, drips or says nothing is bounded, and keeps nobody waiting", async () => {
    const [huge, slow, silent, ssh] = ["huge", "slow", "silent", "ssh"].map((kind) => start(kind).port);
    const { telemetry, tookMs } = await runScans({ ...quick, ports: [huge, slow, silent, ssh] });
    expect(openPorts(telemetry[0] as DeviceTelemetry)).toEqual(
      new Map([
        [huge, "unknown"],
        [slow, "unknown"],
        [silent, "unknown"],
        [ssh, "ssh"],
      ] as [number, string][]),
    );
    expect(tookMs).toBeLessThan(3500);
    const labels = telemetry[0]?.events.map(({ metricData }) => metricData?.labels.banner?.length ?? 0) ?? [];
    expect(Math.max(...labels)).toBe(120);
    await Bun.sleep(100);
    expect(["huge", "slow", "silent", "ssh"].map((kind) => connections.get(kind))).toEqual([0, 0, 0, 0]);
  });

  test("changes from scan to scan: opened, closed, another service, gone", async () => {
    const [first, second] = [start("ssh"), start("redis")];
    const extra = start("ftp");
    const ports = [first.port, second.port, extra.port];
    extra.stop();
    const { telemetry } = await runScans({ ...quick, ports }, 4, (round) => {
      if (round === 1) start("ftp", extra.port);
      if (round === 2) {
        first.stop();
        start("smtp", first.port);
        second.stop();
      }
    });
    expect(telemetry.map(eventKinds)).toEqual([
      ["INFO device.discovered"],
      ["WARN port.opened"],
      ["INFO port.closed", "WARN service.changed"],
      [],
    ]);
  }, 20_000);

  test("nothing to scan, and what may not be scanned, is refused", () => {
    expect(runScans({ targets: [] })).rejects.toThrow("nothing to scan");
    expect(() => runScans({ targets: ["8.8.8.0/24"] })).toThrow("is not private");
  });
});
