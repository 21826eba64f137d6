import { describe, expect, test } from "bun:test";
import { metrics as definitions } from "../../src/data/metrics.ts";
import { createMetrics } from "../../src/observability/index.ts";
import { peerProgram } from "../support/debian.ts";

const promtool = peerProgram("promtool", ["prometheus"]);

describe("createMetrics", () => {
  test("exposes what was counted, and the process's own figures", async () => {
    const metrics = createMetrics(["bus_", "amoskys_bus_"], 5000);
    metrics.count("bus_publish_total", { status: "OK" }, 2);
    metrics.gauge("bus_inflight_requests", 3);
    metrics.observe("bus_publish_latency_ms", 7);
    const text = await metrics.text();
    expect(text).toContain('bus_publish_total{status="OK"} 2');
    expect(text).toContain("bus_inflight_requests 3");
    expect(text).toContain('bus_publish_latency_ms_bucket{le="10"} 1');
    expect(text).toContain("process_start_time_seconds 5");
    expect(text).toMatch(/process_resident_memory_bytes \d{7}/);
    expect(text).not.toContain("agent_");
  });

  test("refuses a name that is nowhere declared, and passes over one of another role", () => {
    const metrics = createMetrics(["bus_"], 0);
    expect(() => metrics.count("bus_pubish_total")).toThrow("not in data/metrics.ts");
    expect(() => metrics.count("agent_publish_ok_total")).not.toThrow();
  });
});

describe("data/metrics.ts", () => {
  test("every name is there once and follows the naming practice", () => {
    const names = definitions.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const wrong = definitions.filter(
      ({ name, type }) => name.endsWith("_total") !== (type === "counter") || !/^[a-z][a-z0-9_]*$/.test(name),
    );
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  test.skipIf(!promtool)("promtool finds nothing but the two histograms in milliseconds", async () => {
    const metrics = createMetrics([""], 0);
    for (const { name, type, labels = [] } of definitions) {
      const values = Object.fromEntries(labels.map((label) => [label, "x"]));
      if (type === "counter") metrics.count(name, values);
      else if (type === "gauge") metrics.gauge(name, 1, values);
      else metrics.observe(name, 1, values);
    }
    const check = Bun.spawnSync([promtool as string, "check", "metrics"], { stdin: Buffer.from(await metrics.text()) });
    const lines = `${check.stdout}${check.stderr}`
      .trim()
      .split("\n")
      .filter((line) => line !== "");
    expect(lines.filter((line) => !/^(bus|agent)_publish_latency_ms /.test(line))).toEqual([]);
  });
});
