import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { numberOf } from "../delivery/agent-bench.ts";
import type { ChildOptions } from "../delivery/agent-child.ts";
import { TestBus } from "../support/test-bus.ts";

const isLong = process.env.AMOSKYS_LONG === "1";
const rounds = isLong ? 100 : 20;
setDefaultTimeout(isLong ? 300_000 : 60_000);

const perRound = 1_000_000;
const seed = "2a".repeat(32);

/** Runs a child until it is killed or ends; answers up to which number its events were durable. */
async function run(options: ChildOptions, killAfterMs?: number): Promise<number> {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "../delivery/agent-child.ts"), JSON.stringify(options)],
    {
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  let durable = options.first;
  let kill: ReturnType<typeof setTimeout> | undefined;
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    durable = Number(lines.at(-1) ?? durable);
    if (killAfterMs !== undefined) kill ??= setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  }
  const status = await child.exited;
  clearTimeout(kill);
  if (killAfterMs === undefined && status !== 0) throw new Error(await new Response(child.stderr).text());
  return durable;
}

test(`an agent killed ${rounds} times under load: every event that was durable is on the bus once`, async () => {
  const bus = await TestBus.start();
  const folder = mkdtempSync(join(tmpdir(), "amoskys-killed-"));
  try {
    const { createSigner } = await import("../../src/identity/index.ts");
    const signer = createSigner("agent-1", Uint8Array.fromHex(seed));
    const certificate = bus.authority.client("agent-1");
    await bus.agent("agent-1", { keys: [signer] }, certificate);
    const base = {
      folder,
      port: bus.port,
      agent: "agent-1",
      seed,
      caPath: bus.authority.caPath,
      certPath: certificate.certPath,
      keyPath: certificate.keyPath,
    };
    const promised: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const first = (round + 1) * perRound;
      const durable = await run({ ...base, first, end: false }, Math.random() * 120);
      for (let number = first; number < durable; number += 1) promised.push(number);
    }
    await run({ ...base, first: 0, end: true });

    const onBus = new Map<number, number>();
    const sequences: number[] = [];
    for (let afterId = 0; ; ) {
      const page = bus.reader.records({ afterId, limit: 5000 });
      for (const { bytes, sequence, kind } of page) {
        sequences.push(sequence);
        if (kind !== "flow") continue;
        const number = numberOf(bytes.subarray(Buffer.from(bytes).indexOf(marker) + marker.length));
        onBus.set(number, (onBus.get(number) ?? 0) + 1);
      }
      const last = page.at(-1);
      if (last === undefined) break;
      afterId = last.id;
    }
    expect(promised.length).toBeGreaterThan(rounds * 60);
    expect(promised.filter((number) => !onBus.has(number))).toEqual([]);
    expect([...onBus.values()].filter((times) => times !== 1)).toEqual([]);
    // one epoch over all restarts, in order and without a gap
    expect(sequences).toEqual(Array.from({ length: sequences.length }, (_, i) => i + 1));
  } finally {
    await bus.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

// the tag and length of a flow payload of 100 bytes: field 4 of the envelope
const marker = Buffer.from([0x22, 100]);
