import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import type { Collector, CollectorContext } from "../../src/core/collector.ts";
import { AmoskysError } from "../../src/core/errors.ts";
import type { CollectedEvent } from "../../src/core/event.ts";
import { decodePayload } from "../../src/envelope/index.ts";
import { createBusProbe } from "../../src/roles/bus-probe.ts";
import { collectorEntry, collectorNames } from "../../src/roles/collector-registry.ts";
import { loadHomeConfig } from "../../src/roles/config.ts";
import { createBusClient } from "../../src/transport/index.ts";
import { captureThreads } from "../support/capture-thread.ts";
import { createTestAuthority, type TestAuthority } from "../support/certificates.ts";
import { CountingObserver } from "../support/counting-observer.ts";

/** What each collector does here: on this host and loopback alone, at its shortest intervals. */
const environment = {
  AMOSKYS_FLOW__INTERFACES: "lo",
  AMOSKYS_PROC__INTERVAL_S: "1",
  AMOSKYS_HOST__INTERVAL_S: "1",
  AMOSKYS_SYSCALL__INTERVAL_S: "1",
  AMOSKYS_BUS__INTERVAL_S: "1",
  AMOSKYS_SNMP__INTERVAL_S: "1",
  AMOSKYS_SNMP__DEVICES: "[{host: 127.0.0.1, port: 9, community: x}]",
  AMOSKYS_SNMP__TIMEOUT_S: "0.2",
  AMOSKYS_SCAN__TARGETS: "127.0.0.1",
  AMOSKYS_SCAN__PORTS: "9",
  AMOSKYS_SYNTHETIC__RATE: "0",
};
const deadlineMs = 4000;
const never = new Promise<void>(() => {});

let home: string;
let authority: TestAuthority;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "amoskys-contract-"));
  authority = createTestAuthority();
});
afterAll(() => {
  authority.remove();
  rmSync(home, { recursive: true, force: true });
});

interface Started {
  readonly collector: Collector;
  readonly events: CollectedEvent[];
  readonly observer: CountingObserver;
  close(): Promise<void>;
}

/** A collector as an agent creates it, but for the outbox; its observer refuses what is not declared. */
async function create(name: string, room: () => Promise<void>): Promise<Started> {
  const { config } = loadHomeConfig({ home, file: undefined, environment });
  const events: CollectedEvent[] = [];
  const observer = new CountingObserver();
  const tls = { ...authority.client("agent"), ca: authority.ca };
  const client = createBusClient({ address: "127.0.0.1:1", tls, observer, clock: systemClock });
  const context: CollectorContext = {
    emit: (event) => void events.push(event),
    room,
    observer,
    clock: systemClock,
    spawnWorker: captureThreads(),
    home,
    stateFolder: join(home, "state"),
  };
  const ports = { busProbe: () => createBusProbe(client, "127.0.0.1:1") };
  const collector = await collectorEntry(name).create(config, { once: false }, context, ports);
  return { collector, events, observer, close: () => client.close() };
}

/** How it ended: with an error's code, or well; fails where it has not ended. */
async function endOf(collector: Collector): Promise<string> {
  const ended = collector.done.then(
    () => "well",
    (caught) => AmoskysError.from(caught).code,
  );
  return await Promise.race([ended, Bun.sleep(deadlineMs).then(() => "never")]);
}

/** Fails where stopping takes longer than it was given. */
async function stopInTime(collector: Collector): Promise<void> {
  const late = Bun.sleep(2 * deadlineMs).then(() => "late");
  expect(await Promise.race([collector.stop(deadlineMs).then(() => "stopped"), late])).toBe("stopped");
}

const privileged = process.getuid?.() === 0;

describe.skipIf(!privileged)("every collector", () => {
  test.each([...collectorNames])("%s stops without a start, and twice", async (name) => {
    const { collector, close } = await create(name, () => Promise.resolve());
    await stopInTime(collector);
    await stopInTime(collector);
    await close();
  });

  test.each([...collectorNames])("%s tells what it sees in payloads that can be read, and ends", async (name) => {
    const { collector, events, close } = await create(name, () => Promise.resolve());
    await collector.start();
    const endMs = performance.now() + 3000;
    while (events.length === 0 && performance.now() < endMs) await Bun.sleep(20);
    expect(collector.health().message).toMatch(/^[^\n]+$/);
    await stopInTime(collector);
    expect(await endOf(collector)).toBe("well");
    for (const { kind, payload } of events) expect(decodePayload(kind, payload).ok).toBe(true);
    // nothing goes over loopback here
    if (name !== "flow") expect(events.length).toBeGreaterThan(0);
    await close();
  });

  test.each([...collectorNames])("%s stops in time where nobody has room", async (name) => {
    const { collector, close } = await create(name, () => never);
    await collector.start();
    await Bun.sleep(300);
    await stopInTime(collector);
    expect(await endOf(collector)).not.toBe("never");
    await close();
  });
});
