/**
 * How long a start takes: `--version` beside Bun's own, and `up` on an initialised home until the first flow is
 * acknowledged. Needs root for the second: it runs in network namespaces of its own.
 *
 *   bun bench/start.ts [--json]
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createVethPair } from "../test/support/network-namespace.ts";

const executable = resolve("dist/amoskys");
const versionRuns = 21;
const upRuns = 5;
const insideFlag = "--inside";

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

function timeCommand(command: string[]): number {
  const startMs = performance.now();
  Bun.spawnSync(command);
  return performance.now() - startMs;
}

function medianOf(command: string[]): number {
  timeCommand(command);
  return median(Array.from({ length: versionRuns }, () => timeCommand(command)));
}

async function readHealth(home: string): Promise<{ last_ack_ms?: number; events_total?: number }> {
  try {
    const { health_ports: ports } = JSON.parse(readFileSync(join(home, "data/run/flow.json"), "utf8"));
    const page = await fetch(`http://127.0.0.1:${ports[0]}/health`);
    return (await page.json()) as { last_ack_ms?: number };
  } catch {
    return {};
  }
}

/** Runs inside a namespace: from the start of `up` to the first acknowledged flow, in milliseconds. */
async function timeUp(peer: string): Promise<number> {
  const home = mkdtempSync(join(tmpdir(), "amoskys-bench-"));
  Bun.spawnSync([executable, "--home", home, "certs", "init"]);
  const startMs = performance.now();
  const up = Bun.spawn([executable, "--home", home, "up", "--iface", "veth0"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  try {
    for (;;) {
      const elapsedMs = performance.now() - startMs;
      if ((await readHealth(home)).last_ack_ms !== undefined) return elapsedMs;
      if (elapsedMs > 60_000) throw new Error("no flow was acknowledged within a minute");
      const socket = await Bun.connect({ hostname: peer, port: 7000, socket: { data() {} } });
      socket.end();
      await Bun.sleep(20);
    }
  } finally {
    up.kill("SIGTERM");
    await up.exited;
    rmSync(home, { recursive: true, force: true });
  }
}

async function timeUpInNamespaces(): Promise<number[]> {
  const pair = createVethPair();
  try {
    pair.up();
    const server = pair.right.within(() => createServer((socket) => socket.end()).listen(7000, pair.rightAddress));
    await new Promise((done) => server.once("listening", done));
    const inside = Bun.spawn(pair.left.command(["bun", import.meta.path, insideFlag, pair.rightAddress]), {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const output = await new Response(inside.stdout).text();
    server.close();
    return JSON.parse(output) as number[];
  } finally {
    pair.remove();
  }
}

if (process.argv.includes(insideFlag)) {
  const times: number[] = [];
  for (let run = 0; run < upRuns; run += 1) times.push(await timeUp(process.argv.at(-1) as string));
  process.stdout.write(JSON.stringify(times));
} else {
  const ours = medianOf([executable, "--version"]);
  const bun = medianOf([process.execPath, "--version"]);
  const ups = process.getuid?.() === 0 ? await timeUpInNamespaces() : [];
  const rows = [
    { what: "amoskys --version", median_ms: ours, ratio_to_bun: ours / bun, target_ms: 30 },
    { what: "bun --version (reference)", median_ms: bun, ratio_to_bun: 1 },
    ...(ups.length > 0 ? [{ what: "up to the first acknowledged flow", median_ms: median(ups), target_ms: 3000 }] : []),
  ];
  if (process.argv.includes("--json")) process.stdout.write(`${JSON.stringify(rows)}\n`);
  else process.stdout.write(`${Bun.inspect.table(rows)}\n`);
}
