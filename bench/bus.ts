// Acknowledged events a second of a bus in a process of its own: mutual TLS, every event signed, every commit synced.
// Beside them the same machine's Ed25519 verification (the reference for events that come alone) and its fdatasync.
// "in verifies" is the bus's processor time for an event over that of one verification: it holds on a busy machine too,
// where events a second do not. Prints a table, or JSON with --json; `--seconds N` per measurement, `--binary` measures
// dist/amoskys instead of the source.

import { generateKeyPairSync, randomBytes, sign, verify } from "node:crypto";
import { closeSync, fdatasyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { encodePublishTree, type SealedGroup, sealGroup, standaloneEnvelope } from "../src/envelope/index.ts";
import { FlowEventSchema } from "../src/gen/messaging_schema_pb.ts";
import type { BusClient } from "../src/transport/index.ts";
import { BusHome } from "../test/roles/bus-process.ts";

interface Case {
  readonly call: "PublishTelemetry" | "PublishTree";
  readonly leaves: number;
  readonly inFlight: number;
}

interface Row extends Case {
  readonly eventsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly busCpuUsPerEvent: number;
  readonly busRssMb: number;
}

const cases: readonly Case[] = [
  { call: "PublishTelemetry", leaves: 1, inFlight: 1 },
  { call: "PublishTelemetry", leaves: 1, inFlight: 64 },
  { call: "PublishTree", leaves: 32, inFlight: 8 },
  { call: "PublishTree", leaves: 128, inFlight: 8 },
  { call: "PublishTree", leaves: 512, inFlight: 4 },
];

const payload = toBinary(
  FlowEventSchema,
  create(FlowEventSchema, {
    srcIp: "10.20.30.40",
    dstIp: "93.184.216.34",
    srcPort: 49_152,
    dstPort: 443,
    protocol: "TCP",
    proto: "TCP",
    bytesSent: 1_234n,
    bytesTx: 1_234n,
    bytesRecv: 56_789n,
    bytesRx: 56_789n,
    startTime: 1_800_000_000_000_000_000n,
    endTime: 1_800_000_001_000_000_000n,
    durationMs: 1_000,
    communityId: "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
    interface: "eth0",
  }),
);

/** Seals groups in a row for one epoch. */
function* groups(home: BusHome, leaves: number): Generator<SealedGroup, never> {
  const signer = home.signer();
  const epoch = randomBytes(8).toString("hex");
  let firstSequence = 1;
  let prevSig: Uint8Array = new Uint8Array();
  for (;;) {
    const tsNs = BigInt(Date.now()) * 1_000_000n;
    const inputs = Array.from({ length: leaves }, () => ({ tsNs, body: { kind: "flow" as const, payload } }));
    const group = sealGroup({ epoch, firstSequence, prevSig, leaves: inputs }, signer);
    firstSequence += leaves;
    prevSig = group.sig;
    yield group;
  }
}

/** Publishes for a while with so many calls in flight; how long each call took, in milliseconds, sorted. */
async function load(client: BusClient, home: BusHome, one: Case, seconds: number): Promise<number[]> {
  const source = groups(home, one.leaves);
  const tookMs: number[] = [];
  const endMs = performance.now() + seconds * 1000;
  const lane = async () => {
    while (performance.now() < endMs) {
      const group = source.next().value;
      const bytes = one.leaves === 1 ? standaloneEnvelope(group, 0) : encodePublishTree(group);
      const startMs = performance.now();
      const codes =
        one.leaves === 1
          ? [(await client.publishTelemetry(bytes)).code]
          : (await client.publishTree(bytes)).results.map(({ code }) => code);
      tookMs.push(performance.now() - startMs);
      if (codes.some((code) => code !== "stored")) throw new Error(`not stored: ${codes.join()}`);
    }
  };
  await Promise.all(Array.from({ length: one.inFlight }, lane));
  return tookMs.toSorted((a, b) => a - b);
}

/** Processor time of a process in microseconds, and its resident bytes (proc(5)). */
function usageOf(pid: number): { cpuUs: number; rssBytes: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { cpuUs: ticks * 10_000, rssBytes: Number(fields[21]) * 4096 };
}

async function measure(home: BusHome, pid: number, client: BusClient, one: Case, seconds: number): Promise<Row> {
  await load(client, home, one, Math.min(1, seconds));
  const before = usageOf(pid);
  const startMs = performance.now();
  const tookMs = await load(client, home, one, seconds);
  const elapsedSeconds = (performance.now() - startMs) / 1000;
  const after = usageOf(pid);
  const events = tookMs.length * one.leaves;
  return {
    ...one,
    eventsPerSecond: events / elapsedSeconds,
    p50Ms: tookMs[Math.floor(tookMs.length / 2)] ?? 0,
    p99Ms: tookMs[Math.floor(tookMs.length * 0.99)] ?? 0,
    busCpuUsPerEvent: (after.cpuUs - before.cpuUs) / events,
    busRssMb: after.rssBytes / 1e6,
  };
}

/** How often something can be done in a second. */
function rateOf(seconds: number, work: () => void): number {
  const startMs = performance.now();
  let count = 0;
  for (; performance.now() - startMs < seconds * 1000; count += 1) work();
  return (count * 1000) / (performance.now() - startMs);
}

/** Verifications a second on one core, and the processor time of one in microseconds. */
function measureVerify(seconds: number): { perSecond: number; cpuUs: number } {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const message = new Uint8Array(payload.length + 200);
  const sig = sign(null, message, privateKey);
  let count = 0;
  const before = process.cpuUsage();
  const perSecond = rateOf(seconds, () => {
    verify(null, message, publicKey, sig);
    count += 1;
  });
  const { user, system } = process.cpuUsage(before);
  return { perSecond, cpuUs: (user + system) / count };
}

function syncRate(folder: string, seconds: number): number {
  const fd = openSync(join(folder, "sync"), "w");
  const page = new Uint8Array(4096);
  try {
    return rateOf(seconds, () => {
      writeSync(fd, page);
      fdatasyncSync(fd);
    });
  } finally {
    closeSync(fd);
  }
}

type Verify = ReturnType<typeof measureVerify>;

function print(rows: readonly Row[], verifying: Verify, syncsPerSecond: number): void {
  const { perSecond, cpuUs } = verifying;
  const lines = [
    `verify, one core      ${perSecond.toFixed(0).padStart(10)} a second, ${cpuUs.toFixed(1)} us of processor time`,
    `fdatasync of 4 KiB    ${syncsPerSecond.toFixed(0).padStart(10)} a second`,
    "",
    "call              leaves  in flight   events/s  of verify    p50 ms    p99 ms  bus CPU us/event  in verifies  RSS MB",
  ];
  for (const row of rows) {
    const cells = [
      row.call.padEnd(16),
      String(row.leaves).padStart(7),
      String(row.inFlight).padStart(10),
      row.eventsPerSecond.toFixed(0).padStart(10),
      (row.eventsPerSecond / perSecond).toFixed(2).padStart(10),
      row.p50Ms.toFixed(2).padStart(9),
      row.p99Ms.toFixed(2).padStart(9),
      row.busCpuUsPerEvent.toFixed(1).padStart(17),
      (row.busCpuUsPerEvent / cpuUs).toFixed(2).padStart(12),
      row.busRssMb.toFixed(0).padStart(7),
    ];
    lines.push(cells.join(" "));
  }
  process.stdout.write(`${lines.join("\n")}\n`);
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const at = args.indexOf("--seconds");
  const seconds = at < 0 ? 3 : Number(args[at + 1]);
  const home = await (args.includes("--binary") ? new BusHome([resolve("dist/amoskys")]) : new BusHome()).prepare();
  try {
    const verifying = measureVerify(Math.min(1, seconds));
    const syncsPerSecond = syncRate(home.home, Math.min(1, seconds));
    const { pid, port } = await home.start();
    const client = home.connect(port as number);
    const rows: Row[] = [];
    for (const one of cases) rows.push(await measure(home, pid, client, one, seconds));
    if (args.includes("--json")) process.stdout.write(`${JSON.stringify({ verifying, syncsPerSecond, rows })}\n`);
    else print(rows, verifying, syncsPerSecond);
    await home.end("SIGTERM");
  } finally {
    await home.remove();
  }
}

await main();
