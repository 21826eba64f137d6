// Unary calls over mutual TLS: our server and a bare node:http2 stream handler (the reference, which checks nothing),
// each
// in a process of its own, asked by our client. Prints a table, or JSON with --json. `--seconds N` per measurement.
import { performServerHandshake } from "node:http2";
import { createServer } from "node:tls";
import { systemClock } from "../src/core/clock.ts";
import { silentObserver } from "../src/core/observer.ts";
import { type BusClient, createBusClient, createBusServer, type TlsMaterial } from "../src/transport/index.ts";
import { createTestAuthority, type TestAuthority } from "../test/support/certificates.ts";

const ack = Uint8Array.of(8, 0);
const requestBytes = 300;
const kinds = ["bare", "ours"] as const;
type Kind = (typeof kinds)[number];

interface Row {
  readonly server: Kind;
  readonly inFlight: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly serverCpuUsPerCall: number;
  readonly serverRssMb: number;
}

function write(value: unknown): void {
  process.stdout.write(`${value}\n`);
}

async function serveOurs(tls: TlsMaterial): Promise<number> {
  const services = { getHealth: async () => ({}), getStatus: async () => ({}), async *subscribe() {} };
  const events = async () => ack;
  const options = { host: "127.0.0.1", port: 0, tls, events, services, observer: silentObserver, clock: systemClock };
  const server = createBusServer(options);
  await server.start();
  return server.port;
}

function serveBare({ ca, cert, key }: TlsMaterial): Promise<number> {
  const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, ack.length]), ack]);
  const options = { ca, cert, key, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ["h2"] };
  const server = createServer(options, (socket) => {
    const session = performServerHandshake(socket, { settings: { maxConcurrentStreams: 128 } });
    session.on("stream", (stream) => {
      stream.on("data", () => {});
      stream.on("end", () => {
        stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
        stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
        stream.end(frame);
      });
    });
  });
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port)),
  );
}

/** The server's process: prints its port, then its use of the processor and memory for every line it is sent. */
async function serve(kind: Kind, tls: TlsMaterial): Promise<void> {
  const port = await (kind === "ours" ? serveOurs(tls) : serveBare(tls));
  write(port);
  let used = process.cpuUsage();
  for await (const _ of console) {
    const { user, system } = process.cpuUsage(used);
    used = process.cpuUsage();
    write(JSON.stringify({ cpuUs: user + system, rssMb: process.memoryUsage.rss() / 1e6 }));
  }
}

async function load(client: BusClient, inFlight: number, seconds: number): Promise<number[]> {
  const request = new Uint8Array(requestBytes);
  const tookMs: number[] = [];
  const endMs = performance.now() + seconds * 1000;
  const worker = async () => {
    for (let startMs = performance.now(); startMs < endMs; startMs = performance.now()) {
      await client.publishTelemetry(request);
      tookMs.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return tookMs.toSorted((a, b) => a - b);
}

async function measure(kind: Kind, authority: TestAuthority, seconds: number): Promise<Row[]> {
  const tls = authority.server();
  const child = Bun.spawn([process.execPath, import.meta.path, "--serve", kind, JSON.stringify(tls)], {
    stdin: "pipe",
    stdout: "pipe",
  });
  const lines = readLines(child.stdout);
  const port = Number((await lines.next()).value);
  const usage = async () => {
    child.stdin.write("\n");
    child.stdin.flush();
    return JSON.parse((await lines.next()).value as string) as { cpuUs: number; rssMb: number };
  };
  const client = createBusClient({
    address: `localhost:${port}`,
    tls: authority.client("agent-1"),
    observer: silentObserver,
    clock: systemClock,
  });
  const rows: Row[] = [];
  await load(client, 64, 0.5);
  for (const inFlight of [1, 64]) {
    await usage();
    const tookMs = await load(client, inFlight, seconds);
    const { cpuUs, rssMb } = await usage();
    rows.push({
      server: kind,
      inFlight,
      callsPerSecond: tookMs.length / seconds,
      p50Ms: tookMs[Math.floor(tookMs.length / 2)] ?? 0,
      p99Ms: tookMs[Math.floor(tookMs.length * 0.99)] ?? 0,
      serverCpuUsPerCall: cpuUs / tookMs.length,
      serverRssMb: rssMb,
    });
  }
  await client.close();
  child.kill();
  await child.exited;
  return rows;
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream() as never) as unknown as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() as string;
    yield* lines;
  }
}

function print(rows: readonly Row[]): void {
  const of = (kind: Kind, inFlight: number) => rows.find((row) => row.server === kind && row.inFlight === inFlight);
  write("server  in flight   calls/s   of bare   p50 ms   p99 ms   server CPU us/call   RSS MB");
  for (const row of rows) {
    const ratio = row.callsPerSecond / (of("bare", row.inFlight)?.callsPerSecond ?? Number.NaN);
    const cells = [
      row.server.padEnd(6),
      String(row.inFlight).padStart(10),
      row.callsPerSecond.toFixed(0).padStart(9),
      ratio.toFixed(2).padStart(9),
      row.p50Ms.toFixed(2).padStart(8),
      row.p99Ms.toFixed(2).padStart(8),
      row.serverCpuUsPerCall.toFixed(1).padStart(20),
      row.serverRssMb.toFixed(0).padStart(8),
    ];
    write(cells.join(" "));
  }
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args[0] === "--serve") return serve(args[1] as Kind, JSON.parse(args[2] as string) as TlsMaterial);
  const at = args.indexOf("--seconds");
  const seconds = at < 0 ? 3 : Number(args[at + 1]);
  const authority = createTestAuthority();
  const rows: Row[] = [];
  for (const kind of kinds) rows.push(...(await measure(kind, authority, seconds)));
  authority.remove();
  if (args.includes("--json")) write(JSON.stringify(rows));
  else print(rows);
}

await main();
