import { describe, expect, test } from "bun:test";
import { amoskys } from "../support/amoskys.ts";

describe("amoskys agent host", () => {
  test("--print --once tells of this host after two looks a second apart, and ends", async () => {
    const startMs = performance.now();
    const { status, stdout, stderr } = await amoskys(["agent", "host", "--print", "--once"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(performance.now() - startMs).toBeGreaterThan(1000);
    const { kind, event } = JSON.parse(stdout.split("\n")[0] as string);
    expect(kind).toBe("device");
    expect(event).toMatchObject({ deviceType: "ENDPOINT", protocol: "PROC", collectionAgent: "host" });
    const names = event.events.map((one: { metricData?: { metricName: string } }) => one.metricData?.metricName);
    for (const name of ["cpu.total", "host.cpu.used", "host.memory.used", "host.interface.bytes_in.rate"]) {
      expect(names).toContain(name);
    }
  });

  const canDrop = process.getuid?.() === 0 && Bun.which("setpriv") !== null;
  test.skipIf(!canDrop)("needs no privilege", async () => {
    const wrapper = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"];
    const { status, stdout, stderr } = await amoskys(["agent", "host", "--print", "--once"], { wrapper });
    expect([status, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout).event.events.length).toBeGreaterThan(50);
  });

  test("a missing /proc is said in one line", async () => {
    const missing = await amoskys(["agent", "host", "--print", "--once"], {
      environment: { AMOSKYS_HOST__PROC_ROOT: "/nowhere" },
    });
    expect(missing).toMatchObject({ status: 14, stdout: "" });
    expect(missing.stderr).toContain("Try: ");
  });
});
