import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LogReader, openLogReader } from "../../src/wal/index.ts";
import { pcapFile } from "../packet/build-capture.ts";
import { ethernet, ipv4, udp } from "../packet/build-frame.ts";
import { amoskys, cleanEnvironment, executable, type Outcome } from "../support/amoskys.ts";
import { NetworkNamespace, namespaceObstacle } from "../support/network-namespace.ts";
import { eventually } from "../support/running-home.ts";

setDefaultTimeout(60_000);

const flows = 40;
const folder = mkdtempSync(join(tmpdir(), "amoskys-agent-"));
const capture = join(folder, "flows.pcap");
const cutCapture = join(folder, "cut.pcap");
const homes: string[] = [];
const children: Bun.Subprocess[] = [];
let ports: Record<string, string>;

/** A port that is free now, for a bus that comes later. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

beforeAll(async () => {
  const frames = Array.from({ length: flows }, (_, i) => ({
    frame: ethernet(0x0800, ipv4({ protocol: 17 }, udp(10_000 + i, 53, new Uint8Array(20)))),
    sec: 1_700_000_000,
    nsec: i * 1_000_000,
  }));
  const bytes = pcapFile(frames);
  writeFileSync(capture, bytes);
  writeFileSync(cutCapture, bytes.subarray(0, bytes.length - 10));
  ports = {
    AMOSKYS_EVENTBUS__HOST: "127.0.0.1",
    AMOSKYS_EVENTBUS__PORT: String(await freePort()),
    AMOSKYS_EVENTBUS__HEALTH_PORT: "0",
    AMOSKYS_EVENTBUS__METRICS_PORT_1: "0",
    AMOSKYS_EVENTBUS__METRICS_PORT_2: "0",
  };
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
    await child.exited;
  }
  for (const home of homes.splice(0)) rmSync(home, { recursive: true, force: true });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Home {
  readonly home: string;
  readonly wrapper: readonly string[];
}

async function createHome(wrapper: readonly string[] = []): Promise<Home> {
  const home = mkdtempSync(join(tmpdir(), "amoskys-home-"));
  homes.push(home);
  const { status, stderr } = await amoskys(["--home", home, "certs", "init"]);
  if (status !== 0) throw new Error(stderr);
  return { home, wrapper };
}

function spawn({ home, wrapper }: Home, ...args: string[]) {
  const child = Bun.spawn([...wrapper, executable, "--home", home, ...args], {
    cwd: "/",
    env: cleanEnvironment(ports),
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  return child;
}

function run({ home, wrapper }: Home, ...args: string[]): Promise<Outcome> {
  return amoskys(["--home", home, ...args], { environment: ports, wrapper });
}

/** Starts a bus and answers when it listens. */
async function startBus(at: Home) {
  const bus = spawn(at, "bus", "serve");
  const file = join(at.home, "data/run/bus.json");
  await eventually("the bus listens", () => existsSync(file) && readFileSync(file, "utf8").includes('"port"'));
  return bus;
}

function withBusLog<T>({ home }: Home, read: (reader: LogReader) => T): T {
  const reader = openLogReader(join(home, "data/storage/bus.db"));
  try {
    return read(reader);
  } finally {
    reader.close();
  }
}

function storedFlows(at: Home): number {
  return withBusLog(at, (reader) => reader.records({ kinds: ["flow"], limit: 10_000 }).length);
}

/** Records of an agent's log that wait for the bus; -1 while it is being made. */
function pendingIn(path: string): number {
  try {
    const reader = openLogReader(path);
    try {
      return reader.stats().pending;
    } finally {
      reader.close();
    }
  } catch {
    return -1;
  }
}

const linesOf = (text: string) => text.split("\n").filter((line) => line !== "");

describe("amoskys agent flow", () => {
  test("--help shows examples and exit statuses, and no flag that does nothing", async () => {
    const { status, stdout } = await amoskys(["agent", "flow", "--help"]);
    expect(status).toBe(0);
    expect(stdout).toContain("amoskys agent flow --read capture.pcap --print");
    expect(stdout).toContain("Exit status:");
    expect(stdout).not.toContain("--filter");
  });

  test("--print writes one JSON line a flow and touches neither keys, log nor bus", async () => {
    const home = mkdtempSync(join(tmpdir(), "amoskys-home-"));
    homes.push(home);
    const { status, stdout, stderr } = await amoskys(["--home", home, "agent", "flow", "--read", capture, "--print"]);
    expect([status, stderr]).toEqual([0, ""]);
    const events = linesOf(stdout).map((line) => JSON.parse(line).event as { srcPort: number; protocol: string });
    expect(events.map(({ srcPort }) => srcPort).sort()).toEqual(Array.from({ length: flows }, (_, i) => 10_000 + i));
    expect(new Set(events.map(({ protocol }) => protocol))).toEqual(new Set(["UDP"]));
    expect([...new Bun.Glob("**").scanSync(home)]).toEqual([]);
  });

  test("--print of a capture that is cut off prints what is readable and ends with 3", async () => {
    const { status, stdout, stderr } = await amoskys(["agent", "flow", "--read", cutCapture, "--print"]);
    expect([status, linesOf(stdout).length]).toEqual([3, flows - 1]);
    expect(stderr).toContain("cut off");
  });

  test("--read publishes every flow and ends when the bus has all of them", async () => {
    const at = await createHome();
    await startBus(at);
    const { status } = await run(at, "agent", "flow", "--read", capture);
    expect(status).toBe(0);
    expect(storedFlows(at)).toBe(flows);
    const { stdout } = await run(at, "wal", "inspect", join(at.home, "data/wal/flowagent.db"), "--json");
    expect(stdout).toContain('"pending":0');
    expect(existsSync(join(at.home, "data/run/flow.json"))).toBe(false);
  });

  test("--read of a capture that is cut off publishes what is readable, then ends with 3", async () => {
    const at = await createHome();
    await startBus(at);
    const { status, stderr } = await run(at, "agent", "flow", "--read", cutCapture);
    expect([status, storedFlows(at)]).toEqual([3, flows - 1]);
    expect(stderr).toContain("cut off");
  });

  test("--read - reads from standard input", async () => {
    const at = await createHome();
    await startBus(at);
    const { status } = await amoskys(["--home", at.home, "agent", "flow", "--read", "-"], {
      environment: ports,
      stdin: readFileSync(capture),
    });
    expect([status, storedFlows(at)]).toEqual([0, flows]);
  });

  test("--read waits for a bus that is away, and what a killed run had stored is delivered by the next", async () => {
    const at = await createHome();
    const first = spawn(at, "agent", "flow", "--read", capture);
    const path = join(at.home, "data/wal/flowagent.db");
    await eventually("the flows are stored", () => existsSync(path) && pendingIn(path) === flows);
    expect(first.exitCode).toBe(null);
    first.kill("SIGKILL");
    await first.exited;
    const second = spawn(at, "agent", "flow", "--read", capture);
    await startBus(at);
    expect(await second.exited).toBe(0);
    expect(storedFlows(at)).toBe(2 * flows);
    const sequences = withBusLog(at, (reader) => reader.records({ limit: 1000 }).map(({ sequence }) => sequence));
    expect(sequences).toEqual(Array.from({ length: 2 * flows }, (_, i) => i + 1));
  });

  test("--read that is interrupted before the bus had everything ends with 130 and says what follows", async () => {
    const at = await createHome();
    const agent = spawn(at, "agent", "flow", "--read", capture);
    const path = join(at.home, "data/wal/flowagent.db");
    await eventually("the flows are stored", () => existsSync(path) && pendingIn(path) === flows);
    agent.kill("SIGINT");
    expect(await agent.exited).toBe(130);
    expect(await new Response(agent.stderr).text()).toContain("Try: what is stored goes with the next");
  });

  test("--iface and --read exclude each other", async () => {
    const { status, stderr } = await amoskys(["agent", "flow", "--iface", "lo", "--read", capture]);
    expect([status, stderr]).toEqual([2, expect.stringContaining("exclude each other")]);
  });

  test("a log that was moved under the agent ends it with 1, so that it is started again", async () => {
    const at = await createHome();
    const agent = spawn(at, "agent", "flow", "--read", capture);
    const path = join(at.home, "data/wal/flowagent.db");
    await eventually("the flows are stored", () => existsSync(path) && pendingIn(path) === flows);
    renameSync(path, `${path}.moved`);
    expect(await agent.exited).toBe(1);
    expect(await new Response(agent.stderr).text()).toContain("The log failed");
  });

  test("a missing file is 2, a wrong setting 10, a home without keys 12", async () => {
    const at = await createHome();
    const missing = await run(at, "agent", "flow", "--read", "/nowhere/x.pcap");
    expect([missing.status, missing.stderr]).toEqual([2, expect.stringContaining("/nowhere/x.pcap")]);
    const wrong = await amoskys(["--home", at.home, "agent", "flow", "--read", capture], {
      environment: { ...ports, AMOSKYS_AGENT__SEND_RATE: "-1" },
    });
    expect(wrong.status).toBe(10);
    const empty = mkdtempSync(join(tmpdir(), "amoskys-home-"));
    homes.push(empty);
    const keyless = await run({ home: empty, wrapper: [] }, "agent", "flow", "--read", capture);
    expect([keyless.status, keyless.stderr]).toEqual([12, expect.stringContaining("Try: ")]);
  });

  test.skipIf(namespaceObstacle() !== undefined)("live: pages, run file, a second one refused, drained", async () => {
    const namespace = new NetworkNamespace();
    try {
      namespace.ip("link", "set", "lo", "up");
      const at = await createHome(namespace.command([]));
      await startBus(at);
      const agent = spawn(at, "agent", "flow", "--iface", "lo");
      const file = join(at.home, "data/run/flow.json");
      await eventually("the run file", () => existsSync(file));
      const { pid, health_ports } = JSON.parse(readFileSync(file, "utf8")) as { pid: number; health_ports: number[] };
      expect(pid).toBe(agent.pid);
      const page = (name: string) => namespace.read("curl", "-s", `http://127.0.0.1:${health_ports[0]}/${name}`);
      await eventually("the agent is active", () => page("healthz").startsWith("OK active"));
      expect(page("healthz")).toContain("wal_bytes=0");
      const { checks } = JSON.parse(page("health")) as { checks: Record<string, { ok: boolean }> };
      expect(Object.keys(checks).sort()).toEqual([
        "certificate_validity",
        "data_collection",
        "eventbus_connectivity",
        "resource_usage",
        "wal_database",
      ]);
      expect(Object.values(checks).every(({ ok }) => ok)).toBe(true);
      expect(page("readyz")).toStartWith("ready");
      const metrics = page("metrics");
      expect(metrics).toContain("agent_wal_backlog_bytes 0");
      expect(metrics).toContain('amoskys_agent_audit_events{fate="pending"} 0');
      expect(metrics).toContain("amoskys_agent_audit_difference_events 0");
      const second = await run(at, "agent", "flow", "--iface", "lo");
      expect([second.status, second.stderr]).toEqual([11, expect.stringContaining(`pid ${pid}`)]);
      // what is captured now is in the table until the agent is stopped
      namespace.read("bash", "-c", "for i in $(seq 20); do echo x > /dev/udp/127.0.0.1/$((20000 + i)); done");
      await Bun.sleep(300);
      agent.kill("SIGTERM");
      expect(await agent.exited).toBe(0);
      expect(storedFlows(at)).toBeGreaterThanOrEqual(20);
      expect(existsSync(file)).toBe(false);
    } finally {
      namespace.remove();
    }
  });
});
