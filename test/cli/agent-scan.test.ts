import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "../collectors/scan/lab-server.ts";
import { amoskys, type RunOptions } from "../support/amoskys.ts";
import { NetworkNamespace, namespaceObstacle } from "../support/network-namespace.ts";

const home = mkdtempSync(join(tmpdir(), "amoskys-agent-scan-"));
const servers = ["ssh", "redis"].map((kind) => serve("127.0.0.1", 0, kind));
const ports = servers.map(({ port }) => String(port)).join();
afterAll(() => {
  for (const server of servers) server.stop();
  rmSync(home, { recursive: true, force: true });
});

/** Runs it with little patience for silent services. */
async function scan(words: readonly string[], options: RunOptions = {}) {
  const environment = { AMOSKYS_SCAN__BANNER_TIMEOUT_S: "0.6", ...options.environment };
  const command = ["--home", home, "agent", "scan", "--print", "--once", ...words];
  const outcome = await amoskys(command, { ...options, environment });
  const events = outcome.stdout
    .split("\n")
    .filter(isText)
    .map((line) => JSON.parse(line).event as Event);
  return { ...outcome, events };
}
function messagesOf(stderr: string): string[] {
  return stderr.split("\n").filter(isText).map(messageOf).sort();
}
const isText = (line: string) => line !== "";
/** Of a line of the log; the last line is for people. */
function messageOf(line: string): string {
  return line.startsWith("{") ? (JSON.parse(line) as { msg: string }).msg : line;
}
interface Event {
  readonly deviceId: string;
  readonly protocol: string;
  readonly metadata: { readonly openPorts?: number[] };
  readonly events: { readonly metricData?: { metricName: string; labels?: Record<string, string> } }[];
}
function services({ events }: Event): string[] {
  return events.flatMap(({ metricData }) => metricData?.labels?.service ?? []).sort();
}

describe("amoskys agent scan", () => {
  test("--print --once: one line of JSON for each host", async () => {
    const { status, stderr, events } = await scan(["--target", "127.0.0.1", "--ports", ports]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(events.map((event) => [event.deviceId, event.protocol, services(event)])).toEqual([
      ["127.0.0.1", "TCP", ["redis", "ssh"]],
    ]);
  });

  test("a host by its name", async () => {
    const { status, stderr, events } = await scan(["--target", "localhost", "--ports", ports]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(events.map(({ deviceId }) => deviceId)).toContain("127.0.0.1");
  });

  test.each([
    [["--target", "8.8.8.0/24"], "8.8.8.0/24 is not private, and such ranges are never scanned"],
    [["--target", "10.0.0.0/8"], "10.0.0.0/8 has more than 65536 addresses"],
    [["--target", "10.77.0.2-20"], "ranges are written as CIDR, such as 10.77.0.0/27"],
    [["--target", "10.0.0.300"], '"10.0.0.300" is no address, range of addresses or name of a host'],
    [
      ["--target", "fe80::1"],
      "fe80::1 is link-local: only with an interface does it mean a host, so it is not scanned",
    ],
    [["--target", "255.255.255.255"], "255.255.255.255 is no address of a host"],
    [["--target", "127.0.0.1", "--ports", "0"], '"0" is no port; write 22, or 8000-8100'],
  ])("%p is refused: status 2", async (words, reason) => {
    const { status, stderr, stdout } = await scan(words);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(reason);
  });

  test("nothing to scan, and a public range in the configuration: status 10", async () => {
    const nothing = await scan([]);
    expect([nothing.status, nothing.stderr]).toEqual([10, expect.stringContaining("There is nothing to scan")]);
    expect(nothing.stderr).toContain("Try: set scan.targets");
    const set = (targets: string) => scan([], { environment: { AMOSKYS_SCAN__TARGETS: targets } });
    expect((await set('["192.0.2.0/24"]')).stderr).toContain("192.0.2.0/24 is not private");
    const wide = JSON.stringify(["10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16"]);
    const tooMany = await set(wide);
    expect([tooMany.status, tooMany.stderr]).toEqual([10, expect.stringContaining("more than 262144 addresses")]);
  });
});

const obstacle = namespaceObstacle();
describe.skipIf(obstacle !== undefined)("amoskys agent scan in a network of its own", () => {
  let space: NetworkNamespace;
  let etc: string;

  beforeAll(() => {
    space = new NetworkNamespace();
    etc = `/etc/netns/${space.name}`;
    space.ip("link", "set", "lo", "up");
    space.ip("link", "add", "br0", "type", "bridge");
    space.ip("address", "add", "10.96.0.1/24", "dev", "br0");
    space.ip("link", "set", "br0", "up");
    // what `ip netns exec` shows as /etc/hosts and /etc/resolv.conf
    mkdirSync(etc, { recursive: true });
    writeFileSync(
      join(etc, "hosts"),
      "127.0.0.1 here.test\n8.8.8.8 there.test\n127.0.0.1 both.test\n8.8.8.8 both.test\nfe80::1 link.test\n",
    );
    writeFileSync(join(etc, "resolv.conf"), "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
  });
  afterAll(() => {
    space?.remove();
    if (etc) rmSync(etc, { recursive: true, force: true });
  });
  const inside = (...more: string[]): RunOptions => ({ wrapper: [...space.command([]), ...more] });

  test("of names only what is private is scanned; each of the others is told in one line", async () => {
    const names = ["here.test", "there.test", "both.test", "link.test", "nobody.test"].flatMap((name) => [
      "--target",
      name,
    ]);
    const { status, events, stderr } = await scan([...names, "--ports", "9"], inside());
    expect(status).toBe(3);
    expect(events.map(({ deviceId }) => deviceId)).toEqual(["127.0.0.1"]);
    expect(messagesOf(stderr)).toEqual([
      expect.stringContaining("amoskys: The round of scan is not whole: 1 hosts with 0 open ports"),
      "scan: both.test stands for an address that is not private",
      "scan: link.test stands for a link-local IPv6 address, which is not scanned",
      "scan: nobody.test cannot be looked up",
      "scan: there.test stands for an address that is not private",
    ]);
  });

  test("without CAP_NET_RAW: one line, what to do, and the scan goes on by TCP", async () => {
    const without = ["setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw"];
    const words = ["--target", "10.96.0.0/29", "--ports", "9"];
    const { status, events, stderr } = await scan(words, inside(...without));
    const reason = 'without ARP: Cannot send frames on "br0": CAP_NET_RAW is missing';
    expect([status, messagesOf(stderr)]).toEqual([
      3,
      [
        `amoskys: The round of scan is not whole: 1 hosts with 0 open ports; ${reason}`,
        `scan: ${reason}; its addresses are tried by TCP`,
      ],
    ]);
    expect(stderr).toContain("AmbientCapabilities=CAP_NET_RAW");
    expect(events.map(({ deviceId, protocol }) => `${protocol} ${deviceId}`)).toEqual(["TCP 10.96.0.1"]);
    const all = await scan(words, inside());
    expect([all.status, all.stderr]).toEqual([0, ""]);
  });

  test("a network that cannot be reached has no hosts, and the line says why", async () => {
    const { status, events, stderr } = await scan(["--target", "10.97.0.0/29", "--ports", "9"], inside());
    expect([status, events]).toEqual([3, []]);
    const what = "ports that this host could not try";
    expect(messagesOf(stderr)).toEqual([
      `amoskys: The round of scan is not whole: 0 hosts with 0 open ports; ${what}: ENETUNREACH`,
      `scan: ${what}: 24 ENETUNREACH`,
    ]);
  });
});
