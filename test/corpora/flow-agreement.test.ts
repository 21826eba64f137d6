import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type CaptureRun, runCapture } from "../collectors/flow/run-engine.ts";
import { addFlow, differences, type KnownDifferences, type OneFlow, type Pairs, pairsOf } from "./compared-flows.ts";
import { ipfixprobeDifferences, ndpiDifferences, zeekDifferences } from "./flow-known-differences.ts";

const corpora = process.env.AMOSKYS_CORPORA;
if (corpora === undefined) process.stderr.write("AMOSKYS_CORPORA is not set: flows of other tools are not compared\n");

const counts = { files: 0, pairs: 0, agreeing: 0, sameInitiator: 0 };

/** Compares one capture with what another tool made of it, and keeps count. */
function compare(name: string, run: CaptureRun, theirs: Pairs, ours: Pairs, known: KnownDifferences): void {
  const found = differences(theirs, ours);
  counts.files += 1;
  counts.pairs += theirs.size;
  counts.agreeing += theirs.size - found.filter((line) => !line.startsWith("+")).length;
  for (const [key, their] of theirs) if (ours.get(key)?.initiator === their.initiator) counts.sameInitiator += 1;
  expect(found).toEqual([...(known[name]?.lines ?? [])]);
  const { endedPackets, otherFrames, frames } = run.figures;
  expect(endedPackets + Object.values(otherFrames).reduce((sum, n) => sum + n, 0)).toBe(frames);
}

function report(tool: string): void {
  const { files, pairs, agreeing, sameInitiator } = counts;
  const share = ((agreeing / pairs) * 100).toFixed(1);
  process.stderr.write(
    `${tool}: ${agreeing} of ${pairs} flows (${share} %) in ${files} files have the same endpoints, packets and ` +
      `bytes, ${sameInitiator} the same initiator\n`,
  );
  Object.assign(counts, { files: 0, pairs: 0, agreeing: 0, sameInitiator: 0 });
}

function filesIn(...path: string[]): string[] {
  return corpora === undefined ? [] : readdirSync(join(corpora, ...path)).sort();
}

function read(...path: string[]): Uint8Array {
  return readFileSync(join(corpora ?? "", ...path));
}

function text(...path: string[]): string {
  return new TextDecoder().decode(read(...path));
}

describe.skipIf(corpora === undefined)("flows of nDPI", () => {
  const endpoint = String.raw`\[?([^\s\]]+)\]?:(\d+)`;
  const direction = "(?:<->|->)";
  const totals = String.raw`\[(\d+) pkts/(\d+) bytes ${direction} (\d+) pkts/(\d+) bytes\]`;
  const line = new RegExp(String.raw`^\t\d+\t(\S+) ${endpoint} ${direction} ${endpoint} .*?${totals}`);

  function theirPairs(output: string): Pairs {
    const pairs: Pairs = new Map();
    for (const row of output.split("\n")) {
      const m = line.exec(row);
      if (m === null) continue;
      const packets = [Number(m[6]), Number(m[8])] as const;
      const bytes = [Number(m[7]), Number(m[9])] as const;
      addFlow(pairs, { protocol: m[1] as string, from: `${m[2]}:${m[3]}`, to: `${m[4]}:${m[5]}`, packets, bytes });
    }
    return pairs;
  }

  const names: Readonly<Record<string, string>> = { "IPV6-ICMP": "ICMPV6", OSPFIGP: "OSPF" };

  test.each(filesIn("flows-ndpi", "pcap"))("%s", (name) => {
    const run = runCapture(read("flows-ndpi", "pcap", name));
    const ours = pairsOf(run.flows, (f): OneFlow => {
      const hasPorts = f.protocol === "TCP" || f.protocol === "UDP";
      return {
        protocol: names[f.protocol] ?? f.protocol,
        from: `${f.srcIp}:${hasPorts ? f.srcPort : 0}`,
        to: `${f.dstIp}:${hasPorts ? f.dstPort : 0}`,
        packets: [Number(f.packetsTx), Number(f.packetsRx)],
        bytes: [Number(f.bytesTx), Number(f.bytesRx)],
      };
    });
    compare(name, run, theirPairs(text("flows-ndpi", "result", `${name}.out`)), ours, ndpiDifferences);
  });

  test("nearly all agree", () => {
    expect(counts.agreeing).toBeGreaterThanOrEqual(268);
    report("nDPI");
  });
});

describe.skipIf(corpora === undefined)("flows of Zeek", () => {
  const rows = corpora === undefined ? [] : text("flows-zeek", "MANIFEST.tsv").trim().split("\n").slice(1);

  /** The rows of a log by name of its fields. */
  function logRows(log: string): Record<string, string>[] {
    const fields = (/^#fields\t(.*)$/m.exec(log)?.[1] ?? "").split("\t");
    const lines = log.split("\n").filter((row) => row !== "" && !row.startsWith("#"));
    return lines.map((row) => Object.fromEntries(row.split("\t").map((value, i) => [fields[i], value])));
  }

  function theirPairs(log: string): Pairs {
    const pairs: Pairs = new Map();
    for (const r of logRows(log)) {
      addFlow(pairs, {
        protocol: r.proto as string,
        from: `${r["id.orig_h"]}:${r["id.orig_p"]}`,
        to: `${r["id.resp_h"]}:${r["id.resp_p"]}`,
        packets: [Number(r.orig_pkts), Number(r.resp_pkts)],
        bytes: [Number(r.orig_ip_bytes), Number(r.resp_ip_bytes)],
      });
    }
    return pairs;
  }

  const names: Readonly<Record<string, string>> = { TCP: "tcp", UDP: "udp", ICMP: "icmp", "IPV6-ICMP": "icmp" };

  test.each(rows.map((row) => row.split("\t").slice(0, 2) as [string, string]))("%s", (trace, baseline) => {
    const run = runCapture(read("flows-zeek", "traces", trace));
    const ours = pairsOf(
      run.flows,
      (f): OneFlow => ({
        protocol: names[f.protocol] ?? "unknown_transport",
        from: `${f.srcIp}:${f.srcPort}`,
        to: `${f.dstIp}:${f.dstPort}`,
        packets: [Number(f.packetsTx), Number(f.packetsRx)],
        bytes: [Number(f.ipBytesTx), Number(f.ipBytesRx)],
      }),
    );
    compare(trace, run, theirPairs(text("flows-zeek", "baseline", baseline, "conn.log")), ours, zeekDifferences);
  });

  test("all agree that lie in no tunnel and have a link type read here", () => {
    expect(counts.agreeing).toBeGreaterThanOrEqual(46);
    report("Zeek");
  });
});

describe.skipIf(corpora === undefined)("flows of ipfixprobe", () => {
  const inputs: readonly (readonly [string, string])[] = [["mixed.pcap", "basic"]];

  /** Each line is `field,field,...` as the header line names them; one biflow. */
  function theirPairs(output: string): Pairs {
    const lines = output.split("\n").filter((row) => row !== "");
    const header = (lines.find((row) => row.startsWith("ipaddr DST_IP")) ?? "").split(",").map((f) => f.split(" ")[1]);
    const pairs: Pairs = new Map();
    for (const row of lines.filter((candidate) => !candidate.startsWith("ipaddr"))) {
      const r = Object.fromEntries(row.split(",").map((value, i) => [header[i], value]));
      addFlow(pairs, {
        protocol: r.PROTOCOL as string,
        from: `${r.SRC_IP}:${r.SRC_PORT}`,
        to: `${r.DST_IP}:${r.DST_PORT}`,
        packets: [Number(r.PACKETS), Number(r.PACKETS_REV)],
        bytes: [Number(r.BYTES), Number(r.BYTES_REV)],
      });
    }
    return pairs;
  }

  const numbers: Readonly<Record<string, string>> = { TCP: "6", UDP: "17", ICMP: "1", "IPV6-ICMP": "58" };

  test.each(inputs)("%s", (name, output) => {
    const run = runCapture(read("flows-ipfixprobe", "inputs", name));
    const ours = pairsOf(run.flows, (f): OneFlow => {
      const hasPorts = f.protocol === "TCP" || f.protocol === "UDP";
      return {
        protocol: numbers[f.protocol] ?? f.protocol,
        from: `${f.srcIp}:${hasPorts ? f.srcPort : 0}`,
        to: `${f.dstIp}:${hasPorts ? f.dstPort : 0}`,
        packets: [Number(f.packetsTx), Number(f.packetsRx)],
        bytes: [Number(f.ipBytesTx), Number(f.ipBytesRx)],
      };
    });
    compare(name, run, theirPairs(text("flows-ipfixprobe", "outputs", output)), ours, ipfixprobeDifferences);
    report("ipfixprobe");
  });
});
