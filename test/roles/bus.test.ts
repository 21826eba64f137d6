import { afterEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { encodePublishTree, type SealedGroup, sealGroup, standaloneEnvelope } from "../../src/envelope/index.ts";
import type { BusClient } from "../../src/transport/index.ts";
import { openLogReader } from "../../src/wal/index.ts";
import { flowBody } from "../support/test-bus.ts";
import { BusHome } from "./bus-process.ts";

const homes: BusHome[] = [];

afterEach(async () => {
  await Promise.all(homes.splice(0).map((home) => home.remove()));
});

async function createHome(): Promise<BusHome> {
  const home = new BusHome();
  homes.push(home);
  return home.prepare();
}

/** Seals groups in order and publishes them, several calls at once, until each is acknowledged. */
class Publisher {
  readonly epoch = randomBytes(8).toString("hex");
  readonly acknowledged = new Set<number>();
  readonly #signer;
  #next = 1;
  #prevSig: Uint8Array = new Uint8Array();
  #open: SealedGroup[] = [];

  constructor(home: BusHome) {
    this.#signer = home.signer();
  }

  get produced(): number {
    return this.#next - 1;
  }

  /**
   * Publishes what is open and new groups, so many in all, until the signal aborts; what was not acknowledged stays.
   */
  async run(client: BusClient, signal: AbortSignal, groups: number): Promise<void> {
    while (this.#open.length < groups) this.#open.push(this.#seal());
    const turn = { next: 0 };
    const lane = async () => {
      while (!signal.aborted && turn.next < this.#open.length) {
        const group = this.#open[turn.next] as SealedGroup;
        turn.next += 1;
        await this.#publish(client, group, signal);
      }
    };
    await Promise.all(Array.from({ length: 16 }, lane));
    this.#open = this.#open.filter(({ firstSequence }) => !this.acknowledged.has(firstSequence));
  }

  #seal(): SealedGroup {
    const size = 1 + Math.floor(Math.random() * 30);
    const leaves = Array.from({ length: size }, (_, i) => ({ tsNs: 1n, body: flowBody(this.#next + i) }));
    const input = { epoch: this.epoch, firstSequence: this.#next, prevSig: this.#prevSig, leaves };
    const group = sealGroup(input, this.#signer);
    this.#next += size;
    this.#prevSig = group.sig;
    return group;
  }

  async #publish(client: BusClient, group: SealedGroup, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const codes =
          group.leaves.length === 1
            ? [(await client.publishTelemetry(standaloneEnvelope(group, 0), signal)).code]
            : (await client.publishTree(encodePublishTree(group), signal)).results.map(({ code }) => code);
        if (codes.every((code) => code === "stored" || code === "duplicate")) {
          for (let i = 0; i < group.leaves.length; i += 1) this.acknowledged.add(group.firstSequence + i);
          return;
        }
        expect(["window_full", "internal"]).toContain(codes[0] as string);
      } catch {
        if (!signal.aborted) await Bun.sleep(5);
      }
    }
  }
}

/** The sequences that the log of a home holds. */
function storedIn(home: BusHome): number[] {
  const reader = openLogReader(home.logPath);
  try {
    const found: number[] = [];
    for (let afterId = 0; ; ) {
      const page = reader.records({ afterId, limit: 5000 });
      if (page.length === 0) return found;
      found.push(...page.map(({ sequence }) => sequence));
      afterId = page.at(-1)?.id ?? 0;
    }
  } finally {
    reader.close();
  }
}

describe("kill -9 under load", () => {
  const rounds = process.env.AMOSKYS_LONG ? 100 : 20;

  test(`every acknowledged event is there exactly once, ${rounds} times over`, async () => {
    const home = await createHome();
    const publisher = new Publisher(home);
    for (let round = 0; round < rounds; round += 1) {
      const { port } = await home.start();
      const client = home.connect(port as number);
      const stop = new AbortController();
      const load = publisher.run(client, stop.signal, 200);
      const before = publisher.acknowledged.size;
      while (publisher.acknowledged.size === before) await Bun.sleep(1);
      await Bun.sleep(Math.random() * 60);
      await home.end("SIGKILL");
      stop.abort();
      await load;
      const acknowledged = publisher.acknowledged.size;
      const stored = storedIn(home);
      const known = new Set(stored);
      expect(known.size).toBe(stored.length);
      const missing = [...publisher.acknowledged].filter((sequence) => !known.has(sequence));
      expect({ round, missing, acknowledged }).toEqual({ round, missing: [], acknowledged });
    }
    const { port } = await home.start();
    await publisher.run(home.connect(port as number), new AbortController().signal, 0);
    expect((await home.end("SIGTERM")).status).toBe(0);
    expect(publisher.acknowledged.size).toBe(publisher.produced);
    expect(storedIn(home)).toEqual(Array.from({ length: publisher.produced }, (_, i) => i + 1));
  }, 300_000);
});

describe("the bus as a role", () => {
  test("tells its ports, serves its pages, drains at SIGTERM and takes its run file back", async () => {
    const home = await createHome();
    const facts = await home.start();
    expect(facts).toMatchObject({ role: "bus" });
    const page = await (await fetch(`http://127.0.0.1:${facts.health_ports[0]}/health`)).json();
    expect(page).toMatchObject({ ready: true, state: "active", checks: { disk_space: { ok: true } } });
    const client = home.connect(facts.port as number);
    const publisher = new Publisher(home);
    await publisher.run(client, new AbortController().signal, 5);
    const metrics = await (await fetch(`http://127.0.0.1:${facts.health_ports[0]}/metrics`)).text();
    expect(metrics).toContain(`amoskys_bus_records_stored_total ${publisher.produced}`);
    expect(metrics).toContain('bus_publish_total{status="OK"} 5');
    const { status } = await home.end("SIGTERM");
    expect(status).toBe(0);
    expect(home.runFacts()).toBeUndefined();
    expect(storedIn(home)).toHaveLength(publisher.produced);
  });

  test("does not start with a trust map that is missing or broken, and says what to do", async () => {
    const home = await createHome();
    writeFileSync(home.paths.trustMap, "agents: [");
    expect((await home.run(["bus", "serve", "--port", "0"])).status).toBe(12);
    writeFileSync(home.paths.trustMap, "agents: { agent: missing.pub }\n");
    const broken = await home.run(["bus", "serve", "--port", "0"]);
    expect(broken.status).toBe(12);
    expect(broken.stderr).toContain("Try:");
    rmSync(home.paths.trustMap);
    expect((await home.run(["bus", "serve", "--port", "0"])).status).toBe(12);
  });

  test("does not start with a key that others can read, or a port that is taken; it names the holder", async () => {
    const home = await createHome();
    const server = createServer();
    const port = await new Promise<number>((done) => {
      server.listen(0, "127.0.0.1", () => done((server.address() as { port: number }).port));
    });
    const taken = await home.run(["bus", "serve", "--host", "127.0.0.1", "--port", String(port)]);
    server.close();
    expect(taken.status).toBe(13);
    expect(taken.stderr).toContain(`pid ${process.pid}`);
    chmodSync(`${home.paths.certs}/server.key`, 0o644);
    expect((await home.run(["bus", "serve", "--port", "0"])).status).toBe(12);
  });

  test("is one in a home", async () => {
    const home = await createHome();
    await home.start();
    const second = await home.run(["bus", "serve", "--port", "0"]);
    expect(second.status).toBe(11);
  });

  test("takes a changed trust map within two seconds, keeps the old one while the new is broken", async () => {
    const home = await createHome();
    const { port } = await home.start();
    const map = readFileSync(home.paths.trustMap, "utf8");
    const client = home.connect(port as number);
    expect((await client.getStatus()).schema).toBe(1);
    writeFileSync(home.paths.trustMap, "agents: [");
    await Bun.sleep(1200);
    expect((await client.getStatus()).schema).toBe(1);
    writeFileSync(home.paths.trustMap, "agents: {}\n");
    await Bun.sleep(1500);
    const refused = await client.getStatus().then(
      () => "answered",
      (error) => error.code,
    );
    expect(refused).toBe("identity_refused");
    writeFileSync(home.paths.trustMap, map);
    await Bun.sleep(1500);
    expect((await home.connect(port as number).getStatus()).schema).toBe(1);
    const { stderr } = await home.end("SIGTERM");
    expect(stderr).toContain("the old one stays");
  }, 20_000);

  test("takes other ports for its pages where the ones it should have are taken, and tells them", async () => {
    const home = await createHome();
    const server = createServer();
    const port = await new Promise<number>((done) => {
      server.listen(0, "127.0.0.1", () => done((server.address() as { port: number }).port));
    });
    const facts = await home.start(["--port", "0"], { AMOSKYS_EVENTBUS__HEALTH_PORT: String(port) });
    expect(facts.health_ports).toHaveLength(1);
    expect(facts.health_ports[0]).not.toBe(port);
    expect((await fetch(`http://127.0.0.1:${facts.health_ports[0]}/readyz`)).status).toBe(200);
    server.close();
  });

  test("ends when its log fails, with a status that a supervisor mends by starting it again", async () => {
    const home = await createHome();
    const { port } = await home.start();
    const publisher = new Publisher(home);
    await publisher.run(home.connect(port as number), new AbortController().signal, 1);
    renameSync(home.logPath, `${home.logPath}.gone`);
    const client = home.connect(port as number);
    const stop = new AbortController();
    const load = publisher.run(client, stop.signal, 1);
    const { status, stderr } = await home.ended();
    stop.abort();
    await load;
    expect(status).toBe(1);
    expect(stderr).toContain("nothing is acknowledged any more");
    renameSync(`${home.logPath}.gone`, home.logPath);
    const again = await home.start();
    await publisher.run(home.connect(again.port as number), new AbortController().signal, 1);
    expect(publisher.acknowledged.size).toBe(publisher.produced);
  }, 20_000);

  test("warns at every start when the default lets earlier agents in", async () => {
    const home = await createHome();
    await home.start(["--port", "0"], { AMOSKYS_EVENTBUS__LEGACY_DEFAULT: "unsigned" });
    const { stderr } = await home.end("SIGTERM");
    expect(stderr).toContain("legacy_default is unsigned");
  });
});
