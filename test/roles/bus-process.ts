import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { silentObserver } from "../../src/core/observer.ts";
import {
  type AgentSigner,
  type IdentityPaths,
  identityFiles,
  identityPaths,
  initIdentity,
  loadSigner,
} from "../../src/identity/index.ts";
import { type BusClient, createBusClient } from "../../src/transport/index.ts";

const entry = resolve(import.meta.dir, "../../src/main.ts");
const startMsMax = 15_000;

/** What the bus tells in data/run/bus.json. */
interface RunFacts {
  readonly role: string;
  readonly pid: number;
  readonly port?: number;
  readonly health_ports: readonly number[];
}

/** A home in a temporary folder with a whole identity, and the bus as a process of its own. */
export class BusHome {
  readonly home = mkdtempSync(join(tmpdir(), "amoskys-home-"));
  readonly paths: IdentityPaths = identityPaths(this.home);
  readonly #program: readonly string[];
  #child: Bun.Subprocess<"ignore", "pipe", "pipe"> | undefined;
  #clients: BusClient[] = [];

  /** `program`: how AMOSKYS is called; default: from the source. */
  constructor(program: readonly string[] = [process.execPath, entry]) {
    this.#program = program;
  }

  async prepare(): Promise<this> {
    await initIdentity(this.paths, { agent: "agent", nowMs: Date.now() });
    return this;
  }

  get logPath(): string {
    return join(this.home, "data/storage/bus.db");
  }

  /** The signing key of the home's agent. */
  signer(): AgentSigner {
    return loadSigner({ seedPath: identityFiles(this.paths, "agent").seed, agent: "agent" });
  }

  /** Starts the bus on a free port and waits until it tells it. */
  async start(args: readonly string[] = ["--port", "0"], extra: Record<string, string> = {}): Promise<RunFacts> {
    const child = this.spawn(["bus", "serve", "--host", "127.0.0.1", ...args], extra);
    this.#child = child;
    const endMs = performance.now() + startMsMax;
    while (performance.now() < endMs && child.exitCode === null) {
      const facts = this.runFacts();
      if (facts?.pid === child.pid && facts.port !== undefined) return facts;
      await Bun.sleep(5);
    }
    child.kill("SIGKILL");
    this.#child = undefined;
    throw new Error(`the bus did not start: ${await new Response(child.stderr).text()}`);
  }

  /** A command of this home. */
  spawn(args: readonly string[], extra: Record<string, string> = {}): Bun.Subprocess<"ignore", "pipe", "pipe"> {
    const { PATH, HOME } = process.env;
    const free = { AMOSKYS_EVENTBUS__HEALTH_PORT: "0", AMOSKYS_EVENTBUS__METRICS_DISABLED: "true" };
    return Bun.spawn([...this.#program, "--home", this.home, ...args], {
      cwd: this.home,
      env: { PATH, HOME, AMOSKYS_STORAGE__BUS_FREE_BYTES_MIN: "1", ...free, ...extra },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
  }

  /** Runs a command to its end. */
  async run(args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
    const child = this.spawn(args);
    const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return { status: await child.exited, stdout, stderr };
  }

  runFacts(): RunFacts | undefined {
    try {
      return JSON.parse(readFileSync(join(this.home, "data/run/bus.json"), "utf8"));
    } catch {
      return undefined;
    }
  }

  /** Connects as one of the home's names to a bus on this port. */
  connect(port: number, name = "agent"): BusClient {
    const { cert, key } = identityFiles(this.paths, name);
    const read = (path: string) => readFileSync(path, "utf8");
    const client = createBusClient({
      address: `localhost:${port}`,
      tls: { ca: read(identityFiles(this.paths, "ca").cert), cert: read(cert), key: read(key) },
      observer: silentObserver,
      clock: systemClock,
    });
    this.#clients.push(client);
    return client;
  }

  /** Ends the bus with a signal; answers its exit status and what it wrote. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<{ status: number; stderr: string }> {
    const child = this.#child;
    if (!child) throw new Error("no bus runs");
    child.kill(signal);
    const status = await child.exited;
    this.#child = undefined;
    const stderr = await new Response(child.stderr).text();
    await Promise.all(this.#clients.splice(0).map((client) => client.close()));
    return { status, stderr };
  }

  /** Waits for the end of a bus that ends by itself. */
  async ended(): Promise<{ status: number; stderr: string }> {
    const child = this.#child;
    if (!child) throw new Error("no bus runs");
    const [status, stderr] = await Promise.all([child.exited, new Response(child.stderr).text()]);
    this.#child = undefined;
    return { status, stderr };
  }

  async remove(): Promise<void> {
    if (this.#child) await this.end("SIGKILL");
    rmSync(this.home, { recursive: true, force: true });
  }
}
