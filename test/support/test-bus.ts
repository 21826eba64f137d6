// A real bus on a free port of loopback: its log in a temporary folder, a trust map in a file, certificates of an
// authority of its own, agents with keys.

import { createPublicKey, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { type ClientHttp2Session, connect } from "node:http2";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Worker } from "node:worker_threads";
import { type Bus, type BusLimits, createBus, type OverloadMode } from "../../src/bus/index.ts";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { silentObserver } from "../../src/core/observer.ts";
import type { SpawnWorker } from "../../src/core/worker.ts";
import { type LeafBody, type SealedGroup, sealGroup, standaloneEnvelope } from "../../src/envelope/index.ts";
import {
  type AgentSigner,
  createSigner,
  type LegacyForm,
  type Permission,
  type TrustWatch,
  watchTrustMap,
} from "../../src/identity/index.ts";
import { readFileSystem } from "../../src/native/index.ts";
import { type BusClient, type BusServer, createBusClient, createBusServer } from "../../src/transport/index.ts";
import { createLogWriter, type LogReader, type LogWriter, openLogReader } from "../../src/wal/index.ts";
import { createTestAuthority, type IssuedCertificate, type TestAuthority } from "./certificates.ts";
import { CountingObserver } from "./counting-observer.ts";

/** Starts worker threads from the source, whatever file the tests run from. */
const spawnSourceWorker: SpawnWorker = (task, options) =>
  new Worker(resolve(import.meta.dir, "../../src/main.ts"), { workerData: { task, options } });

/** An entry of the test's trust map. */
export interface TestEntry {
  readonly permissions?: readonly Permission[];
  readonly rateLimit?: number;
  readonly legacy?: LegacyForm;
  /** Signers whose public keys the entry names; default: the agent's own. */
  readonly keys?: readonly AgentSigner[];
  readonly revokedAt?: string;
}

export interface TestBusOptions {
  readonly limits?: Partial<BusLimits>;
  readonly clock?: Clock;
  readonly overload?: OverloadMode;
  readonly legacyDefault?: LegacyForm;
  readonly freeBytes?: () => number | undefined;
  /** Where the log lies; default: the temporary folder. */
  readonly logFolder?: string;
  /** Stands between the bus and its log, to hold appends back. */
  readonly wrapLog?: (log: LogWriter) => LogWriter;
}

/** Answer of a call that was made without our client. */
export interface RawAnswer {
  /** The number in `grpc-status`. */
  readonly status: number;
  readonly message: string;
  readonly body: Uint8Array;
}

const encoder = new TextEncoder();

/** Certificates by authority and name: issuing one takes long. */
const issued = new WeakMap<TestAuthority, Map<string, IssuedCertificate>>();

function certificateOf(authority: TestAuthority, name: string, issue: () => IssuedCertificate): IssuedCertificate {
  const known = issued.get(authority) ?? new Map<string, IssuedCertificate>();
  issued.set(authority, known);
  const certificate = known.get(name) ?? issue();
  known.set(name, certificate);
  return certificate;
}

/** An agent with its certificate, its key and its own epoch, which seals in order. */
export class TestAgent {
  readonly name: string;
  readonly signer: AgentSigner;
  readonly certificate: IssuedCertificate;
  readonly #port: () => number;
  readonly #clients: BusClient[] = [];
  #session: ClientHttp2Session | undefined;
  #client: BusClient | undefined;
  epoch = randomBytes(8).toString("hex");
  next = 1;
  prevSig: Uint8Array = new Uint8Array();

  constructor(name: string, certificate: IssuedCertificate, port: () => number) {
    this.name = name;
    this.signer = createSigner(name, new Uint8Array(randomBytes(32)));
    this.certificate = certificate;
    this.#port = port;
  }

  /** Seals so many flow events, or these bodies, behind what was sealed before. */
  seal(bodies: number | readonly LeafBody[] = 1): SealedGroup {
    const list = typeof bodies === "number" ? Array.from({ length: bodies }, () => flowBody(this.next)) : bodies;
    const leaves = list.map((body) => ({ tsNs: BigInt(Date.now()) * 1_000_000n, body }));
    const { epoch, next: firstSequence, prevSig } = this;
    const group = sealGroup({ epoch, firstSequence, prevSig, leaves }, this.signer);
    this.next += list.length;
    this.prevSig = group.sig;
    return group;
  }

  /** One flow event sealed alone. */
  sealOne(body: LeafBody = flowBody(this.next)): Uint8Array {
    return standaloneEnvelope(this.seal([body]), 0);
  }

  /** The connection of this agent to the bus as it runs now. */
  get client(): BusClient {
    this.#client ??= this.connect();
    return this.#client;
  }

  /** One more connection. */
  connect(certificate = this.certificate): BusClient {
    const client = createBusClient({
      address: `localhost:${this.#port()}`,
      tls: certificate,
      observer: silentObserver,
      clock: systemClock,
    });
    this.#clients.push(client);
    return client;
  }

  /** A unary call as any gRPC client makes it. */
  call(path: string, message: Uint8Array): Promise<RawAnswer> {
    if (!this.#session || this.#session.destroyed || this.#session.closed) {
      this.#session = connect(`https://localhost:${this.#port()}`, this.certificate);
      this.#session.on("error", () => {});
    }
    return rawCall(this.#session, path, message);
  }

  /** Ends the connections; the next call makes new ones. */
  async disconnect(): Promise<void> {
    this.#session?.destroy();
    this.#session = undefined;
    this.#client = undefined;
    await Promise.all(this.#clients.splice(0).map((client) => client.close()));
  }
}

/** A small flow event, told apart by a number. */
export function flowBody(number: number): LeafBody {
  return { kind: "flow", payload: encoder.encode(`\n\u000c${String(number).padStart(12, "0")}`) };
}

function rawCall(session: ClientHttp2Session, path: string, message: Uint8Array): Promise<RawAnswer> {
  return new Promise((done, fail) => {
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const chunks: Buffer[] = [];
    let fields: Record<string, unknown> = {};
    stream.on("response", (headers) => {
      fields = { ...fields, ...headers };
    });
    stream.on("trailers", (trailers) => {
      fields = { ...fields, ...trailers };
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", fail);
    stream.on("close", () => {
      const text = decodeURIComponent(String(fields["grpc-message"] ?? ""));
      const body = new Uint8Array(Buffer.concat(chunks)).subarray(5);
      done({ status: Number(fields["grpc-status"] ?? 2), message: text, body });
    });
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([head, message]));
  });
}

/** The bus and everything around it. */
export class TestBus {
  readonly folder: string;
  readonly authority: TestAuthority;
  readonly observer = new CountingObserver();
  readonly #options: TestBusOptions;
  readonly #entries = new Map<string, TestEntry & { readonly own: readonly AgentSigner[] }>();
  readonly #agents: TestAgent[] = [];
  readonly #ownsAuthority: boolean;
  #watch!: TrustWatch;
  #changed = Promise.withResolvers<void>();
  #log!: LogWriter;
  #reader!: LogReader;
  #bus!: Bus;
  #server!: BusServer;

  private constructor(options: TestBusOptions, authority: TestAuthority | undefined) {
    this.#options = options;
    this.#ownsAuthority = authority === undefined;
    this.authority = authority ?? createTestAuthority();
    this.folder = mkdtempSync(join(tmpdir(), "amoskys-bus-"));
    mkdirSync(join(this.folder, "keys"));
  }

  /** Starts one; `stop` it afterwards. Several tests may share an authority. */
  static async start(options: TestBusOptions = {}, authority?: TestAuthority): Promise<TestBus> {
    const bus = new TestBus(options, authority);
    bus.#writeTrust();
    bus.#watch = watchTrustMap(bus.trustPath, {
      everyMs: 20,
      onChange: () => {
        bus.#bus.trustChanged();
        bus.#changed.resolve();
        bus.#changed = Promise.withResolvers<void>();
      },
      onError: (error) => bus.observer.log("error", error.message),
    });
    await bus.#open();
    return bus;
  }

  get trustPath(): string {
    return join(this.folder, "trust_map.yaml");
  }

  get logPath(): string {
    return join(this.#options.logFolder ?? this.folder, "bus.db");
  }

  get port(): number {
    return this.#server.port;
  }

  get bus(): Bus {
    return this.#bus;
  }

  get server(): BusServer {
    return this.#server;
  }

  get reader(): LogReader {
    return this.#reader;
  }

  /** A new agent, in the trust map when this returns. */
  async agent(name: string, entry: TestEntry = {}, certificate?: IssuedCertificate): Promise<TestAgent> {
    const agent = new TestAgent(name, certificate ?? this.#client(name), () => this.port);
    this.#agents.push(agent);
    await this.trust(agent, entry);
    return agent;
  }

  /** An agent whose name the trust map does not have. */
  stranger(name: string, certificate = this.#client(name)): TestAgent {
    const agent = new TestAgent(name, certificate, () => this.port);
    this.#agents.push(agent);
    return agent;
  }

  /** Changes what the trust map says of an agent, undefined: nothing; returns when that is in force. */
  async trust(agent: TestAgent, entry: TestEntry | undefined): Promise<void> {
    if (entry) this.#entries.set(agent.name, { ...entry, own: entry.keys ?? [agent.signer] });
    else this.#entries.delete(agent.name);
    const changed = this.#changed.promise;
    this.#writeTrust();
    await changed;
  }

  /** What the log holds of an agent, as `sequence` or key. */
  stored(agent: TestAgent): (number | string)[] {
    const records = this.#reader.records({ agents: [agent.name], limit: 100_000 });
    return records.map((record) => record.legacyKey ?? record.sequence);
  }

  /** Ends the bus and starts it again over the same log. */
  async restart(): Promise<void> {
    await this.#close();
    await this.#open();
  }

  async stop(): Promise<void> {
    await this.#close();
    this.#watch.close();
    rmSync(this.folder, { recursive: true, force: true });
    if (this.#ownsAuthority) this.authority.remove();
  }

  async #open(): Promise<void> {
    const { limits, clock = systemClock, overload, legacyDefault = "none", wrapLog } = this.#options;
    const log = await createLogWriter(
      { path: this.logPath, role: "bus", budgetBytes: Number.MAX_SAFE_INTEGER },
      spawnSourceWorker,
    );
    this.#log = log;
    this.#reader = openLogReader(this.logPath);
    this.#bus = createBus({
      log: wrapLog?.(log) ?? log,
      reader: this.#reader,
      trust: () => this.#watch.current,
      legacyDefault,
      limits: { diskLowBytes: 0, ...limits },
      ...(overload ? { overload } : {}),
      observer: this.observer,
      clock,
      version: "0.0.0-test",
      freeBytes: this.#options.freeBytes ?? (() => readFileSystem(dirname(this.logPath)).freeBytes),
      connections: () => this.#server.connections(),
      certificateEndMs: () => Date.now() + 365 * 86_400_000,
    });
    const { events, services } = this.#bus;
    this.#server = createBusServer({
      host: "127.0.0.1",
      port: 0,
      tls: certificateOf(this.authority, " server", () => this.authority.server()),
      events,
      services,
      observer: silentObserver,
      clock: systemClock,
    });
    await this.#server.start();
  }

  async #close(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.disconnect()));
    await this.#bus.drain(1000);
    await this.#server.stop(200);
    this.#reader.close();
    await this.#log.close();
  }

  #client(name: string): IssuedCertificate {
    return certificateOf(this.authority, name, () => this.authority.client(name));
  }

  #writeTrust(): void {
    const agents = Object.fromEntries([...this.#entries].map(([name, entry]) => [name, this.#entryOf(name, entry)]));
    const draft = `${this.trustPath}.new`;
    writeFileSync(draft, JSON.stringify({ agents }));
    renameSync(draft, this.trustPath);
  }

  #entryOf(
    name: string,
    { own, permissions, rateLimit, legacy, revokedAt }: TestEntry & { own: readonly AgentSigner[] },
  ) {
    const keys = own.map((signer, i) => {
      const path = join(this.folder, "keys", `${name}-${i}.pub`);
      writeFileSync(path, publicKeyPem(signer));
      return { public_key_path: path };
    });
    return { keys, permissions, rate_limit: rateLimit, legacy, revoked_at: revokedAt };
  }
}

function publicKeyPem({ publicKey }: AgentSigner): string {
  const x = Buffer.from(publicKey).toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return key.export({ format: "pem", type: "spki" }).toString();
}
