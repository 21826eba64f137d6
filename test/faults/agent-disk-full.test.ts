import { expect, test } from "bun:test";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { auditFigures } from "../../src/delivery/index.ts";
import { scanStoredLeaf, scanUniversal } from "../../src/envelope/index.ts";
import { flowEvent, startAgentBench, until } from "../delivery/agent-bench.ts";
import { TcpProxy } from "../delivery/tcp-proxy.ts";
import { mountSmallDisk } from "../support/small-disk.ts";
import { TestBus } from "../support/test-bus.ts";

test("a full disk loses what finds no room, says so when there is space again, and needs no restart", async () => {
  const disk = mountSmallDisk(24 << 20);
  if (!disk) return;
  const bus = await TestBus.start();
  try {
    const identity = await bus.agent("agent-1");
    const agent = await startAgentBench(bus.port, identity.certificate, {
      folder: disk.folder,
      outbox: { signer: identity.signer, queueEventsMax: 500 },
    });
    const { outbox, drain, log } = agent;
    for (let i = 0; i < 400; i += 1) outbox.emit(flowEvent(i));
    await drain.settledAll();
    const filler = join(disk.folder, "filler");
    const { bavail, bsize } = statfsSync(disk.folder);
    writeFileSync(filler, Buffer.alloc(bavail * bsize));
    let emitted = 0;
    const load = setInterval(() => {
      for (let i = 0; i < 20; i += 1) outbox.emit(flowEvent(emitted++, 1000));
    }, 1);
    await until(() => outbox.figures().lost > 2000, "losses");
    expect(outbox.isPressed).toBe(true);
    expect(drain.state).not.toBe("error");
    clearInterval(load);
    rmSync(filler);
    await drain.settledAll();
    const lost = outbox.figures().lost;
    const audit = auditFigures(log);
    expect(audit).toMatchObject({ lost, parked: 0, pending: 0, difference: 0 });
    const source = { agent: "agent-1", epoch: outbox.epoch };
    const declared = bus.reader.ranges(source).filter(({ reason }) => reason === "declared");
    expect(declared.reduce((sum, { first, last }) => sum + last - first + 1, 0)).toBe(lost);
    const flows = bus.reader.records({ kinds: ["flow"], limit: 100_000 }).length;
    expect(flows).toBe(400 + emitted - lost);
    const losses = bus.reader.records({ kinds: ["loss"], limit: 1000 });
    const reasons = losses.map(({ bytes, form }) => {
      const scan = form === "leaf" ? scanStoredLeaf(bytes) : scanUniversal(bytes);
      return scan.ok ? scan.facts.loss?.reason : scan.reason;
    });
    expect(new Set(reasons)).toEqual(new Set(["disk"]));
    await agent.close();
  } finally {
    await bus.stop();
    disk.unmount();
  }
});

test("a log that fills its own disk sheds, and delivers the rest when the bus comes, over a restart too", async () => {
  const disk = mountSmallDisk(24 << 20);
  if (!disk) return;
  const bus = await TestBus.start();
  const proxy = await TcpProxy.start(() => bus.port);
  proxy.isAway = true;
  try {
    const identity = await bus.agent("agent-1");
    const start = () =>
      startAgentBench(proxy.port, identity.certificate, {
        folder: disk.folder,
        budgetBytes: 200 << 20,
        outbox: { signer: identity.signer },
      });
    let agent = await start();
    const emitted = 60_000;
    for (let i = 0; i < emitted; i += 1) {
      agent.outbox.emit(flowEvent(i, 200));
      if (i % 1000 === 0) await agent.outbox.flush();
      if (i === emitted / 2) {
        await agent.outbox.stop(5000);
        await agent.close();
        agent = await start();
      }
    }
    await agent.outbox.flush();
    expect(statfsSync(disk.folder).bavail).toBeGreaterThan(0);
    expect(agent.outbox.isPressed).toBe(true);
    await agent.close();
    agent = await start();
    proxy.isAway = false;
    await agent.drain.settledAll();
    const { lost, ...audit } = auditFigures(agent.log);
    expect(audit).toMatchObject({ parked: 0, pending: 0, difference: 0 });
    const flows = bus.reader.records({ kinds: ["flow"], limit: 100_000 }).length;
    expect(flows).toBeGreaterThan(10_000);
    expect(flows).toBeLessThan(emitted);
    const declared = bus.reader.ranges().filter(({ reason }) => reason === "declared");
    expect(declared.reduce((sum, { first, last }) => sum + last - first + 1, 0)).toBe(lost);
    agent.outbox.emit(flowEvent(emitted));
    await agent.drain.settledAll();
    expect(agent.outbox.isDiskFull).toBe(false);
    await agent.close();
  } finally {
    await proxy.stop();
    await bus.stop();
    disk.unmount();
  }
}, 60_000);
