import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { RunningHome } from "../support/running-home.ts";

const home = new RunningHome();
beforeAll(async () => {
  home.up("--roles", "bus");
  await home.untilState("bus", "healthy");
});
afterAll(() => home.remove());

const once = ["agent", "bus", "--print", "--once"];

interface Metric {
  readonly metricName: string;
  readonly unit?: string;
  readonly numericValue?: number;
}

describe("amoskys agent bus", () => {
  test("--print --once tells how a running bus is: each figure with its unit", async () => {
    const { status, stdout, stderr } = await home.run(...once);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const { kind, event } = JSON.parse(stdout);
    expect(kind).toBe("device");
    expect(event).toMatchObject({
      protocol: "GRPC",
      collectionAgent: "bus",
      deviceId: expect.stringMatching(/^localhost:/),
    });
    const told = event.events.map(({ metricData }: { metricData?: Metric }) => metricData).filter(Boolean) as Metric[];
    const units = new Map(told.map(({ metricName, unit }) => [metricName, unit]));
    for (const [name, unit] of [
      ["bus.up", "1"],
      ["bus.commits", "1"],
      ["bus.latency", "s"],
      ["bus.queue_depth", "1"],
      ["bus.connections", "1"],
      ["bus.events", "1"],
      ["bus.log.records", "1"],
      ["bus.log.free", "bytes"],
    ]) {
      expect(units.get(name as string)).toBe(unit as string);
    }
    expect(event.events[0].statusData).toMatchObject({ status: "ONLINE", healthStatus: "HEALTHY" });
    expect(told.find(({ metricName }) => metricName === "bus.connections")?.numericValue).toBe(1);
  });

  test("where nothing answers it says so in one line and a next step, with the status of unreachable", async () => {
    const away = new RunningHome({ config: 'agent: {bus_address: "localhost:1"}\n' });
    try {
      expect((await away.run("certs", "init")).status).toBe(0);
      const { status, stdout, stderr } = await away.run(...once);
      expect(status).toBe(13);
      expect(stderr.trimEnd().split("\n")).toEqual([
        expect.stringMatching(/^amoskys: The bus at localhost:1 cannot be reached: /),
        expect.stringMatching(/^Try: amoskys bus serve /),
      ]);
      // who reads the output hears of it as well
      expect(JSON.parse(stdout).event.events[0].statusData.status).toBe("OFFLINE");
    } finally {
      await away.remove();
    }
  });

  test("without this host's identity it says what makes one", async () => {
    const bare = new RunningHome({ config: 'agent: {bus_address: "localhost:1"}\n' });
    try {
      const { status, stdout, stderr } = await bare.run(...once);
      expect({ status, stdout }).toEqual({ status: 12, stdout: "" });
      expect(stderr).toMatch(/^amoskys: .*\nTry: amoskys /);
    } finally {
      await bare.remove();
    }
  });

  test("--help names the status of a bus that is away", async () => {
    const { stdout } = await home.run("agent", "bus", "--help");
    expect(stdout).toContain("13 unreachable");
  });
});
