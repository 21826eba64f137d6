import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Socket } from "bun";
import { arpRequest } from "../../../src/collectors/scan/arp-packet.ts";
import { scanConfigSchema } from "../../../src/collectors/scan/index.ts";
import type { DeviceTelemetry } from "../../../src/gen/universal_telemetry_pb.ts";
import { createVethPair, NetworkNamespace, namespaceObstacle } from "../../support/network-namespace.ts";
import type { Flooded } from "./arp-flood.ts";
import type { ComeAndGo } from "./come-and-go.ts";
import { Lab, scannerAddress } from "./lab.ts";
import { labHosts, labPorts, labTargets } from "./lab-hosts.ts";
import { connections, serve } from "./lab-server.ts";
import { type NmapPort, nmapCommand, parseNmap } from "./nmap.ts";
import { createScans, eventKinds, openPorts, runScans, scanOnce, stopScanAfter } from "./run-scans.ts";
import type { Unplugged } from "./unplug.ts";

const main = resolve(import.meta.dir, "../../../src/main.ts");
const obstacle = namespaceObstacle();

/** What the lab calls some services, and what nmap does. */
const kinds: Readonly<Record<string, string>> = {
  "plain-ftp": "ftp",
  huge: "unknown",
  slow: "unknown",
  "tar-pit": "unknown",
  silent: "unknown",
  domain: "dns",
  postgresql: "postgres",
  "ssl/http": "tls",
};
/** Kinds that `nmap -sV` is not asked of: what does not end, and what takes it half a minute each. */
const notForVersions = ["huge", "slow", "tar-pit", "silent", "plain-ftp"];
/** Kinds that it is asked of each time: those that say what they are unasked, since it waits long for the others. */
const quickForVersions = ["ssh", "ftp", "smtp", "mysql"];
const isLong = process.env.AMOSKYS_LONG === "1";

interface Printed {
  readonly protocol: string;
  readonly deviceId: string;
  readonly metadata: { readonly ipAddress: string; readonly openPorts?: number[]; readonly manufacturer?: string };
  readonly events: { readonly metricData?: { metricName: string; labels: Record<string, string> } }[];
}

function portLabels({ events }: Printed): Record<string, string>[] {
  return events.flatMap(({ metricData }) => (metricData?.metricName === "scan.port.open" ? [metricData.labels] : []));
}
function openStates(ports: ReadonlyMap<string, readonly NmapPort[]>): [string, number[]][] {
  const open = [...ports].map(([host, all]): [string, number[]] => [
    host,
    all.flatMap(({ port, state }) => (state === "open" ? [port] : [])),
  ]);
  return open.sort();
}

function isForVersions([port, kind]: readonly [number, string]): boolean {
  // a second redis, on a port where nmap looks for something else
  return isLong ? port !== 7000 && !notForVersions.includes(kind) : quickForVersions.includes(kind);
}

describe.skipIf(obstacle !== undefined)("a lab of ten hosts", () => {
  const nmap = obstacle === undefined ? nmapCommand() : undefined;
  let lab: Lab;
  let found: Printed[] = [];
  /** nmap takes its time, and runs beside the rest. */
  let theirs: Promise<Map<string, NmapPort[]>>;
  let versions: Promise<Map<string, NmapPort[]>>;

  beforeAll(async () => {
    lab = await Lab.open(labHosts);
    mkdirSync(join(lab.folder, "config"));
    writeFileSync(join(lab.folder, "config/amoskys.yaml"), "scan: {banner_timeout_s: 0.9}");
    const asked = labHosts.filter(({ mood, services }) => mood === undefined && services.some(isForVersions));
    const ports = asked.flatMap(({ services }) => services.filter(isForVersions).map(([port]) => port));
    const hosts = asked.map(({ address }) => address);
    versions = runNmap("-Pn", "-sV", "--version-light", "-p", [...new Set(ports)].join(), ...hosts);
    theirs = runNmap("-p", labPorts, ...labTargets);
    for (const running of [theirs, versions]) running.catch(() => {});
  }, 60_000);
  afterAll(async () => await lab?.close());

  async function runNmap(...more: string[]): Promise<Map<string, NmapPort[]>> {
    if (!nmap) return new Map();
    const { status, stdout, stderr } = await lab.run(...nmap, "-n", "-sT", "-oX", "-", ...more);
    if (status !== 0 || stderr !== "") throw new Error(`nmap ended with ${status}: ${stderr}`);
    return parseNmap(stdout);
  }
  async function scan(wrapper: readonly string[] = []) {
    const targets = labTargets.flatMap((target) => ["--target", target]);
    const words = ["agent", "scan", "--once", "--print", ...targets, "--ports", labPorts];
    const outcome = await lab.run(...wrapper, process.execPath, main, "--home", lab.folder, ...words);
    const events = outcome.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).event as Printed);
    const byAddress = (a: Printed, b: Printed) => (a.metadata.ipAddress < b.metadata.ipAddress ? -1 : 1);
    return { ...outcome, events: events.sort(byAddress) };
  }

  test("every host that can be found: how, with its ports, services and vendor, and no other", async () => {
    const { status, stderr, events } = await scan();
    found = events;
    expect([status, stderr]).toEqual([0, ""]);
    const expected = labHosts
      .filter(({ mood }) => mood !== "mute")
      .map(({ address, hardwareAddress, services, behind }) => [
        address,
        behind ? `TCP ${address}` : `ARP ${hardwareAddress}`,
        services.map(([port, kind]) => `${port} ${kinds[kind] ?? kind}`).sort(),
      ]);
    const seen = events.map((event) => [
      event.metadata.ipAddress,
      `${event.protocol} ${event.deviceId}`,
      portLabels(event)
        .map(({ port, service }) => `${port} ${service}`)
        .sort(),
    ]);
    expect(seen).toEqual([...expected, [scannerAddress, `TCP ${scannerAddress}`, []]].sort() as never);
    const vendors = events.flatMap(({ metadata }) => metadata.manufacturer ?? []);
    expect(vendors).toEqual(["Raspberry Pi Foundation", "XEROX CORPORATION"]);
  }, 60_000);

  test.skipIf(nmap === undefined)(
    "nmap -sT sees the same hosts and ports",
    async () => {
      const ours = found.map(({ metadata }): [string, number[]] => [metadata.ipAddress, metadata.openPorts ?? []]);
      expect(ours.sort()).toEqual(openStates(await theirs));
    },
    60_000,
  );

  test("without CAP_NET_RAW: not whole, and by TCP the same hosts but the one that drops all", async () => {
    const { status, stderr, events } = await scan([
      ...["env", "AMOSKYS_SCAN__SERVICES=false"],
      ...["setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw"],
    ]);
    const [line, outcome, ...more] = stderr.trim().split("\n");
    expect([status, more]).toEqual([3, []]);
    expect(line).toContain("CAP_NET_RAW is missing");
    expect(outcome).toStartWith("amoskys: The round of scan is not whole: 10 hosts");
    const expected = found.filter(({ metadata }) => metadata.ipAddress !== "10.98.0.10");
    expect(events.map((event) => [`${event.protocol} ${event.deviceId}`, event.metadata.openPorts])).toEqual(
      expected.map(({ metadata }) => [`TCP ${metadata.ipAddress}`, metadata.openPorts]),
    );
  }, 60_000);

  test.skipIf(nmap === undefined)(
    "nmap -sV sees the same services, products and versions",
    async () => {
      let compared = 0;
      for (const [address, ports] of await versions) {
        const event = found.find(({ metadata }) => metadata.ipAddress === address);
        for (const { port, state, service, product, version } of ports) {
          if (state !== "open") continue;
          const labels = event && portLabels(event).find((all) => all.port === String(port));
          const where = `${address} ${port}`;
          expect(`${where} ${labels?.service}`).toBe(`${where} ${kinds[service] ?? service}`);
          const theirs = `${product} ${version}`.toLowerCase();
          if (labels?.product && product) expect(theirs).toContain(labels.product.toLowerCase());
          if (labels?.product && labels.version && version) expect(theirs).toContain(labels.version);
          compared += 1;
        }
      }
      const asked = labHosts.flatMap(({ services, mood }) => (mood ? [] : services));
      expect(compared).toBe(asked.filter(isForVersions).length);
    },
    60_000,
  );
});

test.skipIf(obstacle !== undefined)("a host that was gone returns; all of it is told with room", async () => {
  const space = new NetworkNamespace();
  try {
    space.ip("link", "set", "lo", "up");
    space.ip("link", "add", "away", "type", "veth", "peer", "name", "nobody");
    space.ip("address", "add", "10.95.0.1/24", "dev", "away");
    for (const end of ["away", "nobody"]) space.ip("link", "set", end, "up");
    const program = join(import.meta.dir, "come-and-go.ts");
    const seen: ComeAndGo = JSON.parse(space.read(process.execPath, program, "10.95.0.9", "away"));
    expect(seen).toEqual({
      told: [
        ["nothing -> ONLINE", "INFO device.discovered"],
        ["ONLINE -> OFFLINE"],
        ["OFFLINE -> ONLINE", "INFO device.returned"],
      ],
      changes: [2, 2],
      asked: 3,
    });
  } finally {
    space.remove();
  }
});

test.skipIf(obstacle !== undefined)("without a carrier nobody has gone, and it is told", () => {
  const pair = createVethPair();
  try {
    pair.up();
    const program = join(import.meta.dir, "unplug.ts");
    const words = [process.execPath, program, pair.right.name, pair.rightAddress, "veth0"];
    const seen: Unplugged = JSON.parse(pair.left.read(...words));
    expect(seen.told).toEqual([["nothing -> ONLINE", "INFO device.discovered"], ["ONLINE -> ONLINE"]]);
    expect(seen.logged).toEqual(['scan: no carrier on "veth0"; the hosts there are taken to be as they were']);
  } finally {
    pair.remove();
  }
});

test.skipIf(obstacle !== undefined)(
  "in a flood of ARP that loses answers nobody has gone, and it is told",
  async () => {
    const pair = createVethPair();
    let flood: ReturnType<typeof setInterval> | undefined;
    try {
      pair.up();
      const frames = Array.from({ length: 1000 }, () => arpRequest("02:00:00:00:00:0a", 0x0a6300c8, 0x0a6300c9));
      const program = join(import.meta.dir, "arp-flood.ts");
      const words = pair.left.command([process.execPath, program, pair.right.name, pair.rightAddress]);
      const scans = Bun.spawn(words, { stdout: "pipe", stderr: "inherit" });
      let said = "";
      for await (const chunk of scans.stdout) {
        said += Buffer.from(chunk).toString();
        flood ??= setInterval(() => pair.right.sendFrames("veth0", frames), 10);
      }
      const { told, logged }: Flooded = JSON.parse(said.replace("flood\n", ""));
      expect(told).toEqual([["nothing -> ONLINE", "INFO device.discovered"]]);
      const line =
        /^scan: \d+ answers to ARP on "veth0" were lost; hosts that did not answer are taken to be as they were$/;
      expect(logged).toEqual([expect.stringMatching(line)]);
    } finally {
      clearInterval(flood);
      pair.remove();
    }
  },
);

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
    // without a bound this scan had no end
    const { telemetry } = await runScans({ ...quick, ports: [huge, slow, silent, ssh] });
    expect(openPorts(telemetry[0] as DeviceTelemetry)).toEqual(
      new Map([
        [huge, "unknown"],
        [slow, "unknown"],
        [silent, "unknown"],
        [ssh, "ssh"],
      ] as [number, string][]),
    );
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
    const { telemetry, changes } = await runScans({ ...quick, ports }, 4, (round) => {
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
    // what the first scan found is no change, for neither figure
    expect(changes).toEqual([3, 3]);
  }, 20_000);

  test("changes are told against what a run before this one saw, or it is told why not", async () => {
    const folder = mkdtempSync(join(tmpdir(), "amoskys-scan-"));
    open.push({ stop: () => rmSync(folder, { recursive: true, force: true }) });
    const [first, second] = [start("ssh"), start("redis")];
    const config = { ...quick, ports: [first.port, second.port] };
    expect(await scanOnce(config, folder)).toEqual({ kinds: ["INFO device.discovered"], logged: [] });
    second.stop();
    expect(await scanOnce(config, folder)).toEqual({ kinds: ["INFO port.closed"], logged: [] });
    writeFileSync(join(folder, "scan.json"), "{");
    const again = await scanOnce(config, folder);
    expect(again.kinds).toEqual(["INFO device.discovered"]);
    expect(again.logged).toEqual([
      `scan: The last scan in ${folder}/scan.json cannot be used; what changed since then is not told`,
    ]);
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "no folder");
    const { kinds, logged } = await scanOnce(config, folder);
    expect(kinds).toEqual(["INFO device.discovered"]);
    expect(logged.at(-1)).toStartWith(`scan: the scan cannot be kept in ${folder}/scan.json: `);
  });

  test("never more connections at once than may be, for ports and services together", async () => {
    const count = { now: 0, most: 0 };
    const change = (by: number) => {
      count.now += by;
      count.most = Math.max(count.most, count.now);
    };
    const socket = { open: () => change(1), end: (one: Socket) => void one.end(), close: () => change(-1), data() {} };
    const listeners = Array.from({ length: 12 }, () => Bun.listen({ hostname: "127.0.0.1", port: 0, socket }));
    open.push(...listeners.map((listener) => ({ stop: () => listener.stop(true) })));
    const ports = listeners.map(({ port }) => port);
    const short = {
      ...quick,
      targets: ["127.0.0.0/30"],
      discovery_ports: ports,
      ports,
      banner_timeout_s: 0.1,
      services_max: 5,
    };
    await runScans({ ...short, max_concurrent: 4 });
    // a server may hear of a new connection before it hears of the end of the last: some more than four, not two dozen
    expect([count.most > 1, count.most <= 12]).toEqual([true, true]);
    const { telemetry } = await runScans({ ...quick, ports: [start("ssh").port], max_concurrent: 1 });
    expect([...openPorts(telemetry[0] as DeviceTelemetry).values()]).toEqual(["ssh"]);
  });

  test("waits for room before it tells, and says meanwhile how far it is", async () => {
    const asked = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const room = () => {
      asked.resolve();
      return gate.promise;
    };
    const telemetry: DeviceTelemetry[] = [];
    const config = scanConfigSchema.parse({ ...quick, arp: false, ports: [start("ssh").port] });
    const collector = createScans({ config, once: true }, telemetry, { room });
    await collector.start();
    expect(collector.health().message).toBe("no scan has ended yet; a scan runs, and looks who is there");
    await asked.promise;
    expect(collector.health().message).toBe("no scan has ended yet; a scan runs: 1 of 1 addresses looked at");
    expect(telemetry).toEqual([]);
    gate.resolve();
    await collector.done;
    expect(telemetry).toHaveLength(1);
    expect(collector.health().message).toBe("1 hosts with 1 open ports");
    await collector.stop(2000);
  });

  test("connections begin at the rate", async () => {
    const ports = Array.from({ length: 40 }, (_, n) => 40_000 + n);
    const { tookMs } = await runScans({ ...quick, ports, rate: 50 });
    expect(tookMs).toBeGreaterThan(750);
  });

  test("a scan that is stopped ends at once, and leaves no connection and no descriptor", async () => {
    const ports = Array.from({ length: 20 }, () => start("silent").port);
    const before = readdirSync("/proc/self/fd").length;
    // each of them would be waited for ten seconds
    const tookMs = await stopScanAfter({ ...quick, ports, banner_timeout_s: 30 }, 300);
    expect(tookMs).toBeLessThan(5000);
    await Bun.sleep(50);
    expect(connections.get("silent")).toBe(0);
    expect(readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(before);
  });

  test("a service that says nothing for once is no change, and is not forgotten", async () => {
    const first = start("ssh");
    const { telemetry } = await runScans({ ...quick, ports: [first.port] }, 3, (round) => {
      if (round > 2) return;
      for (const one of open.splice(0)) one.stop();
      start(round === 1 ? "silent" : "redis", first.port);
    });
    expect(telemetry.map((one) => openPorts(one).get(first.port))).toEqual(["ssh", "unknown", "redis"]);
    expect(telemetry.map(eventKinds)).toEqual([["INFO device.discovered"], [], ["WARN service.changed"]]);
  });

  test("nothing to scan, and what may not be scanned, is refused", () => {
    expect(runScans({ targets: [] })).rejects.toThrow("nothing to scan");
    expect(() => runScans({ targets: ["8.8.8.0/24"] })).toThrow("is not private");
  });
});
