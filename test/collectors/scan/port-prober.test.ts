import { afterEach, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { PortProber } from "../../../src/collectors/scan/port-prober.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { NetworkNamespace, namespaceObstacle } from "../../support/network-namespace.ts";
import { serve } from "./lab-server.ts";

const ended: (() => void)[] = [];
afterEach(() => {
  for (const end of ended.splice(0)) end();
});
function prober(timeoutMs: number, signal = new AbortController().signal): PortProber {
  const made = new PortProber({ clock: systemClock, timeoutMs, signal });
  ended.push(() => made.close());
  return made;
}

test("open and closed ports", async () => {
  const server = serve("127.0.0.1", 0, "silent");
  const probe = prober(1000);
  expect(await probe.try("127.0.0.1", server.port)).toEqual({ state: "open" });
  server.stop();
  await Bun.sleep(20);
  expect(await probe.try("127.0.0.1", server.port)).toEqual({ state: "closed" });
});

const obstacle = namespaceObstacle();
test.skipIf(obstacle !== undefined)(
  "silence, no such neighbour, no route, an abort, and the end",
  async () => {
    const space = new NetworkNamespace();
    ended.push(() => space.remove());
    space.ip("link", "set", "lo", "up");
    space.ip("link", "add", "br0", "type", "bridge");
    space.ip("link", "add", "port", "type", "veth", "peer", "name", "other");
    for (const words of [
      ["port", "master", "br0", "up"],
      ["other", "up"],
      ["br0", "up"],
    ]) {
      space.ip("link", "set", ...words);
    }
    space.ip("address", "add", "10.77.0.1/24", "dev", "br0");
    // the kernel asks for a neighbour three times before it gives up
    space.read("sh", "-c", "echo 100 > /proc/sys/net/ipv4/neigh/br0/retrans_time_ms");
    space.ip("neigh", "add", "10.77.0.9", "lladdr", "02:00:00:00:00:09", "dev", "br0");
    const probe = prober(300);
    // longer than this test may run: what ends these is the kernel, an abort or the end
    const patient = prober(600_000);
    const within = (one: PortProber, address: string, port: number) => space.within(() => one.try(address, port));
    const before = readdirSync("/proc/self/fd").length;
    const [unreached, ...silent] = await Promise.all([
      within(patient, "10.77.0.10", 80),
      ...Array.from({ length: 100 }, (_, port) => within(probe, "10.77.0.9", 1000 + port)),
    ]);
    expect(unreached).toEqual({ state: "filtered" });
    expect(silent).toEqual(Array.from({ length: 100 }, () => ({ state: "filtered" })) as never);
    expect(readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(before);
    expect(await within(probe, "10.79.0.1", 80)).toEqual({ state: "failed", reason: "ENETUNREACH", passing: false });

    const stop = new AbortController();
    const called = prober(600_000, stop.signal);
    const attempt = within(called, "10.77.0.9", 80);
    stop.abort();
    expect(await attempt).toEqual({ state: "failed" });
    expect(await called.try("10.77.0.9", 80)).toEqual({ state: "failed" });
    const last = within(patient, "10.77.0.9", 80);
    patient.close();
    expect(await last).toEqual({ state: "failed" });
  },
  20_000,
);

test("a port that is tried after the end has failed", async () => {
  const probe = prober(1000);
  probe.close();
  expect(await probe.try("127.0.0.1", 9)).toEqual({ state: "failed", reason: "EBADF", passing: false });
});
