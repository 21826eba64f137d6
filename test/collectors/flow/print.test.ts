import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { flowConfigSchema, printFlows } from "../../../src/collectors/flow/index.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { AmoskysError } from "../../../src/core/errors.ts";
import { silentObserver } from "../../../src/core/observer.ts";
import { pcapFile } from "../../packet/build-capture.ts";
import { ethernet, ipv4, udp } from "../../packet/build-frame.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "amoskys-print-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function captureOf(flows: number): Uint8Array {
  const frames = Array.from({ length: flows }, (_, i) => ({
    frame: ethernet(0x0800, ipv4({ protocol: 17 }, udp(1024 + (i % 60_000), 53))),
    sec: 1_700_000_000 + Math.floor(i / 100),
  }));
  return pcapFile(frames);
}

function fileOf(name: string, content: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function printedOf(read: string): Promise<{ lines: string[]; error: unknown }> {
  const path = join(folder, `${Bun.randomUUIDv7()}.jsonl`);
  const spawnWorker = (): never => {
    throw new Error("a file needs no thread");
  };
  const context = { observer: silentObserver, clock: systemClock, spawnWorker };
  let error: unknown;
  try {
    await printFlows({ config: flowConfigSchema.parse({}), read, context, fd: openSync(path, "w") });
  } catch (caught) {
    error = caught;
  }
  return { lines: readFileSync(path, "utf8").split("\n").slice(0, -1), error };
}

const child = join(import.meta.dir, "print-child.ts");

describe("printFlows", () => {
  test("prints each flow as one line of JSON", async () => {
    const { lines, error } = await printedOf(fileOf("one.pcap", captureOf(3000)));
    expect(error).toBeUndefined();
    expect(lines.length).toBe(3000);
    const ports = lines.map((line) => (JSON.parse(line) as { event: { srcPort: number } }).event.srcPort);
    expect(new Set(ports).size).toBe(3000);
    expect(JSON.parse(lines[0] as string).event).toMatchObject({
      srcIp: "10.0.0.1",
      dstPort: 53,
      protocol: "UDP",
      packetsTx: "1",
      startTime: "1700000000000000000",
      endReason: "eof",
    });
  });

  test("prints what was readable of a file that is cut off, then fails", async () => {
    const { lines, error } = await printedOf(fileOf("cut.pcap", captureOf(20).subarray(0, -5)));
    expect(lines.length).toBe(19);
    expect(error).toBeInstanceOf(AmoskysError);
    expect((error as AmoskysError).exitStatus).toBe(3);
    expect((error as AmoskysError).message).toContain("cut.pcap");
  });

  test.each([
    ["a missing file", "missing.pcap", "file_missing"],
    ["a directory", ".", "usage"],
  ])("says what is wrong with %s", async (_name, path, code) => {
    const { lines, error } = await printedOf(join(folder, path));
    expect(lines).toEqual([]);
    expect((error as AmoskysError).code as string).toBe(code);
  });

  test("reads standard input as it comes, and ends with it", async () => {
    const capture = captureOf(4000);
    const run = Bun.spawn([process.execPath, child, "-"], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    for (let at = 0; at < capture.length; at += 50_001) {
      run.stdin.write(Buffer.from(capture.subarray(at, at + 50_001)));
      await run.stdin.flush();
    }
    await run.stdin.end();
    const text = await new Response(run.stdout).text();
    expect([await run.exited, text.split("\n").length - 1]).toEqual([0, 4000]);
  });

  test("prints what there is when it is asked to end while it waits for input", async () => {
    const run = Bun.spawn([process.execPath, child, "-"], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    // a packet one minute later lets the first flow end, which shows that both were read
    run.stdin.write(Buffer.from(pcapFile([...framesAt(0), ...framesAt(60)])));
    await run.stdin.flush();
    await Bun.sleep(500);
    run.kill("SIGTERM");
    const text = await new Response(run.stdout).text();
    expect(await run.exited).toBe(0);
    const reasons = text
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { event: { endReason: string } }).event.endReason);
    expect(reasons).toEqual(["idle", "shutdown"]);
  });

  test("ends with 141 where nobody reads its lines any more", async () => {
    const path = fileOf("many.pcap", captureOf(3000));
    const script = `"$0" "$1" "$2" | head -c 1 > /dev/null; exit \${PIPESTATUS[0]}`;
    const run = Bun.spawn(["bash", "-c", script, process.execPath, child, path], { stderr: "pipe" });
    expect(await run.exited).toBe(141);
    expect(await new Response(run.stderr).text()).toContain("reader of the output has gone");
  });
});

function framesAt(second: number): { frame: Uint8Array; sec: number }[] {
  return [{ frame: ethernet(0x0800, ipv4({ protocol: 17 }, udp(5000, 53))), sec: 1000 + second }];
}
