import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AmoskysError } from "../../src/core/errors.ts";
import { type CaptureRun, runCapture, totalsOf } from "../collectors/flow/run-engine.ts";

const corpora = process.env.AMOSKYS_CORPORA;
if (corpora === undefined) process.stderr.write("AMOSKYS_CORPORA is not set: captures of others are left out\n");

const isLong = process.env.AMOSKYS_LONG === "1";
const seed = Number(process.env.AMOSKYS_SEED ?? 1);
const cutsPerFile = isLong ? 40 : 4;
const flipsPerFile = isLong ? 40 : 4;
const testMsMax = isLong ? 600_000 : 60_000;
/** Far more than any of these files should take. */
const fileMsMax = 5000;

const folders = ["community-id", "flows-ipfixprobe", "flows-ndpi", "flows-suricata", "flows-zeek", "packets-tcpdump"];

function capturesIn(...path: string[]): string[] {
  if (corpora === undefined) return [];
  const names = readdirSync(join(corpora, ...path), { recursive: true, encoding: "utf8" });
  return names.filter((name) => /\.pcap(ng)?$/.test(name)).sort();
}

const files = [...folders, "pcapng", "tls-ja4"].flatMap((folder) => capturesIn(folder).map((n) => join(folder, n)));

function createRandom(start: number): (below: number) => number {
  let state = start | 0;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * below);
  };
}

/** Reads a capture that may be broken anywhere: a typed error or none, everything accounted for, in bounded time. */
function survive(capture: Uint8Array): CaptureRun {
  const startMs = performance.now();
  const run = runCapture(capture, { flowsMax: 256 });
  expect(performance.now() - startMs).toBeLessThan(fileMsMax);
  if (run.error !== undefined) {
    expect(run.error).toBeInstanceOf(AmoskysError);
    expect((run.error as AmoskysError).code).toMatch(/^capture_(unreadable|truncated|damaged)$/);
  }
  const { figures, flows } = run;
  const other = Object.values(figures.otherFrames).reduce((sum, n) => sum + n, 0);
  expect(totalsOf(flows).packets + other).toBe(figures.frames);
  expect(totalsOf(flows).bytes + figures.otherBytes).toBe(figures.bytes);
  return run;
}

describe.skipIf(corpora === undefined)("captures of others", () => {
  test("there are many", () => {
    expect(files.length).toBeGreaterThan(150);
  });

  test(
    "are read whole",
    () => {
      for (const file of files) survive(readFileSync(join(corpora ?? "", file)));
    },
    testMsMax,
  );

  test(
    "cut off anywhere, they give what was readable",
    () => {
      const random = createRandom(seed);
      for (const file of files) {
        const capture = readFileSync(join(corpora ?? "", file));
        const whole = survive(capture).figures.frames;
        for (let i = 0; i < cutsPerFile; i += 1) {
          const { figures } = survive(capture.subarray(0, random(capture.length)));
          expect(figures.frames).toBeLessThanOrEqual(whole);
        }
      }
    },
    testMsMax,
  );

  test(
    "with bits flipped anywhere, they end in a typed error or none",
    () => {
      const random = createRandom(seed);
      for (const file of files) {
        const capture = readFileSync(join(corpora ?? "", file));
        for (let i = 0; i < flipsPerFile; i += 1) {
          const changed = Uint8Array.from(capture);
          for (let flips = 1 + random(8); flips > 0; flips -= 1) {
            const at = random(changed.length);
            changed[at] = (changed[at] as number) ^ (1 << random(8));
          }
          survive(changed);
        }
      }
    },
    testMsMax,
  );

  test(
    "with every record cut to few bytes, they name endpoints or call it truncated",
    () => {
      for (const file of capturesIn("flows-ndpi", "pcap").filter((name) => name.endsWith(".pcap"))) {
        const capture = Uint8Array.from(readFileSync(join(corpora ?? "", "flows-ndpi", "pcap", file)));
        // some files of that name are pcapng
        if (capture[0] === 0x0a) continue;
        for (const snapLength of [1, 13, 20, 33, 34, 37, 38, 41, 47, 54]) {
          new DataView(capture.buffer).setUint32(16, snapLength, capture[0] === 0xd4 || capture[0] === 0x4d);
          const { figures } = survive(capture);
          if (snapLength < 20) expect(figures.flowsCreated).toBe(0);
        }
      }
    },
    testMsMax,
  );
});

describe.skipIf(corpora === undefined)("captures of tcpdump's tests", () => {
  const rows = corpora === undefined ? [] : readFileSync(join(corpora, "packets-tcpdump/MANIFEST.tsv"), "utf8");
  const cases = String(rows)
    .trim()
    .split("\n")
    .slice(1)
    .map((row) => row.split("\t").slice(1, 3) as [string, string]);
  const otherLinkTypes = [
    "esis_snpa_asan-2.pcap",
    "unsupported-link-type-dbus.pcap",
    "vtp_asan.pcap",
    "heapoverflow-ppp_hdlc_if_print.pcap",
  ];

  test.each(corpora === undefined ? [] : cases)("%s: as many packets as tcpdump prints", (capture, output) => {
    const run = survive(readFileSync(join(corpora ?? "", "packets-tcpdump", capture)));
    const printed = readFileSync(join(corpora ?? "", "packets-tcpdump", output), "utf8");
    const packets = printed.split("\n").filter((line) => /^ +\d+ {2}/.test(line)).length;
    if (otherLinkTypes.includes(capture)) expect((run.error as AmoskysError).code).toBe("capture_unreadable");
    else expect([run.error, run.figures.frames]).toEqual([undefined, packets]);
  });
});
