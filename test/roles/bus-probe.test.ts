import { afterAll, describe, expect, test } from "bun:test";
import { busCollector } from "../../src/collectors/bus/index.ts";
import { createBusProbe } from "../../src/roles/bus-probe.ts";
import type { LogWriter } from "../../src/wal/index.ts";
import { Collected, contextFor, runOnce } from "../collectors/proc/run-collector.ts";
import { CountingObserver } from "../support/counting-observer.ts";
import { eventually } from "../support/eventually.ts";
import { type TestAgent, TestBus, type TestBusOptions } from "../support/test-bus.ts";

const buses: TestBus[] = [];
afterAll(async () => {
  for (const bus of buses) await bus.stop();
});

async function start(options: TestBusOptions = {}): Promise<TestBus> {
  const bus = await TestBus.start(options, buses[0]?.authority);
  buses.push(bus);
  return bus;
}

const probeOf = (agent: TestAgent) => createBusProbe(agent.client, "localhost:test");
const config = { interval_s: 0.05, timeout_s: 2, commit_age_max_s: 0.3 };

/** Holds appends back while it is on: a disk that does not answer. */
function stuckDisk() {
  let release = () => {};
  const stuck = new Promise<void>((resolve) => {
    release = resolve;
  });
  const wrapLog = (log: LogWriter): LogWriter =>
    new Proxy(log, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        const method = value.bind(target);
        return name === "append" ? (...args: unknown[]) => stuck.then(() => method(...args)) : method;
      },
    });
  return { release, wrapLog };
}

describe("createBusProbe", () => {
  test("answers what the bus says of itself", async () => {
    const bus = await start();
    const agent = await bus.agent("agent-1");
    await agent.client.publishTelemetry(agent.sealOne());
    const answer = await probeOf(agent).ask(AbortSignal.timeout(5000));
    expect(answer).toMatchObject({ version: "0.0.0-test", eventsTotal: 1, connections: 1 });
    expect(Object.keys(answer.components)).toContain("disk_space");
    expect(Number(answer.figures.records)).toBe(1);
    expect(Math.abs(answer.atMs - Date.now())).toBeLessThan(5000);
  });

  test("an agent whom the bus does not trust is sent to the trust map", async () => {
    const bus = await start();
    const asked = probeOf(bus.stranger("nobody")).ask(AbortSignal.timeout(5000));
    await expect(asked).rejects.toMatchObject({
      code: "identity_refused",
      message: expect.stringContaining("unknown_agent"),
      hint: "amoskys trust list (where the bus runs)",
    });
  });

  test("ends when it is given up", async () => {
    const bus = await start();
    const agent = await bus.agent("agent-2");
    await expect(probeOf(agent).ask(AbortSignal.abort())).rejects.toMatchObject({ code: "interrupted" });
  });
});

describe("the bus collector on a real bus", () => {
  test("one look tells of the bus and counts nothing as failed", async () => {
    const bus = await start();
    const collected = new Collected();
    const observer = new CountingObserver();
    const probe = probeOf(await bus.agent("agent-3"));
    await runOnce(busCollector.create({ config, once: true, probe }, { ...contextFor(collected), observer }));
    expect(collected.metrics().get("bus.up")).toBe(1);
    expect(collected.metrics().get("bus.commits")).toBe(1);
    expect(observer.counted("amoskys_busagent_failed_looks_total")).toBe(0);
    expect(observer.lines).toEqual([]);
  });

  test("a disk that does not answer is seen before the bus itself says so, and so is its end", async () => {
    const { release, wrapLog } = stuckDisk();
    const bus = await start({ wrapLog });
    const agent = await bus.agent("agent-4");
    const collected = new Collected();
    const observer = new CountingObserver();
    const collector = busCollector.create(
      { config, once: false, probe: probeOf(agent) },
      { ...contextFor(collected), observer },
    );
    await collector.start();
    await eventually("a first look", () => collected.devices.length > 0);
    const published = agent.client.publishTelemetry(agent.sealOne());
    const told = () => observer.lines.map(({ message }) => message);
    await eventually("it is told", () => told().length === 1);
    expect(told()[0]).toMatch(/^bus: localhost:test answers but does not commit: calls wait for .* ms; it was well /);
    expect(collected.metrics().get("bus.commits")).toBe(0);
    release();
    expect(await published).toMatchObject({ code: "stored" });
    await eventually("it is told to be over", () => told().length === 2);
    expect(told()[1]).toMatch(/answers in .*; it was not committing for /);
    expect(collector.health().status).toBe("ok");
    await collector.stop(1000);
  });
});
