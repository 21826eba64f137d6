import { afterAll, describe, expect, test } from "bun:test";
import { createVethPair, namespaceObstacle, transfer, type VethPair } from "../support/network-namespace.ts";
import { eventually, RunningHome } from "../support/running-home.ts";

const obstacle = namespaceObstacle();
const transferBytes = 3_000_000;
const cleanups: (() => Promise<void> | void)[] = [];
afterAll(async () => {
  for (const clean of cleanups.reverse()) await clean();
});

/** A flow as `events query --json` prints it. */
interface FlowLine {
  readonly event: Readonly<Record<string, string | number | undefined>>;
}

const sum = (lines: readonly FlowLine[], ...fields: string[]) =>
  lines.reduce((total, { event }) => total + fields.reduce((n, field) => n + Number(event[field] ?? 0), 0), 0);

async function startUp(pair: VethPair): Promise<RunningHome> {
  const home = new RunningHome({ wrapper: pair.left.command([]) });
  cleanups.push(() => home.remove());
  home.up("--iface", "veth0");
  await home.untilState("bus", "healthy");
  // the ring is open, and the interface still down: nothing of it will be missed
  await eventually("the flow agent waits for veth0", async () => {
    return (await home.role("flow"))?.message.includes("veth0 is down");
  });
  return home;
}

/** The figures of the flow agent's health page, read from inside its namespace. */
async function flowFigures(home: RunningHome, pair: VethPair): Promise<Record<string, number>> {
  const port = (await home.role("flow"))?.health_ports?.[0];
  const page = pair.left.read(
    "bun",
    "-e",
    `console.log(await (await fetch("http://127.0.0.1:${port}/health")).text())`,
  );
  return (JSON.parse(page) as { figures: Record<string, number> }).figures;
}

describe.skipIf(obstacle !== undefined)("flows end to end", () => {
  test("a file of known size is on the bus as signed flows that equal the kernel's counters", async () => {
    const pair = createVethPair();
    cleanups.push(() => pair.remove());
    pair.left.ip("link", "set", "lo", "up");
    const home = await startUp(pair);
    pair.up();
    await eventually("the link carries", () => pair.left.read("cat", "/sys/class/net/veth0/operstate").trim() === "up");
    const received = await transfer({
      from: pair.left,
      to: pair.right,
      address: pair.rightAddress,
      port: 7000,
      bytes: transferBytes,
    });
    expect(received).toBe(transferBytes);
    const stored = await eventually("the transfer is stored", async () => {
      const { stdout } = await home.run("events", "query", "--kind", "flow", "--json");
      return stdout.includes('"dstPort":7000') && stdout;
    });
    expect(stored).toContain('"endReason":"fin"');

    pair.left.ip("link", "set", "veth0", "down");
    pair.right.ip("link", "set", "veth0", "down");
    const kernel = {
      packets: pair.left.counter("veth0", "rx_packets") + pair.left.counter("veth0", "tx_packets"),
      bytes: pair.left.counter("veth0", "rx_bytes") + pair.left.counter("veth0", "tx_bytes"),
    };
    const figures = await eventually("the ring is read", async () => {
      const seen = await flowFigures(home, pair);
      return seen.frames === kernel.packets ? seen : undefined;
    });
    expect((await home.run("down")).status).toBe(0);

    const { stdout } = await home.run("events", "query", "--kind", "flow", "--json");
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as FlowLine);
    expect(sum(lines, "packetsTx", "packetsRx") + (figures.other_frames ?? 0)).toBe(kernel.packets);
    expect(sum(lines, "bytesTx", "bytesRx") + (figures.other_bytes ?? 0)).toBe(kernel.bytes);
    const file = lines.filter(({ event }) => event.dstPort === 7000);
    expect(sum(file, "bytesTx")).toBeGreaterThan(transferBytes);

    for (const log of ["data/storage/bus.db", "data/wal/flowagent.db"]) {
      const verified = await home.run("wal", "verify", `${home.home}/${log}`);
      expect({ log, ...verified }).toMatchObject({ log, status: 0 });
    }
  }, 120_000);
});
