// An agent in a process of its own, for tests that kill it: `bun agent-child.ts OPTIONS`. It emits numbered events
// until it is killed, and says on stdout up to which number they are durable; with `end` it delivers what the log holds
// and ends.
import { readFileSync, writeSync } from "node:fs";
import { createSigner } from "../../src/identity/index.ts";
import { flowEvent, startAgentBench } from "./agent-bench.ts";

/** What the parent says, as JSON. */
export interface ChildOptions {
  readonly folder: string;
  readonly port: number;
  readonly agent: string;
  /** Hexadecimal. */
  readonly seed: string;
  readonly caPath: string;
  readonly certPath: string;
  readonly keyPath: string;
  /** The number of the first event. */
  readonly first: number;
  readonly end: boolean;
}

if (import.meta.main) {
  const options = JSON.parse(process.argv[2] as string) as ChildOptions;
  const read = (path: string) => readFileSync(path, "utf8");
  const tls = { ca: read(options.caPath), cert: read(options.certPath), key: read(options.keyPath) };
  const signer = createSigner(options.agent, Uint8Array.fromHex(options.seed));
  const agent = await startAgentBench(options.port, tls, { folder: options.folder, outbox: { signer } });
  if (options.end) {
    await agent.drain.settledAll();
    await agent.close();
    process.exit(0);
  }
  const base = agent.outbox.figures().stored;
  agent.outbox.onCommit(() => {
    const durable = agent.outbox.figures().stored - base;
    writeSync(1, `${options.first + durable}\n`);
  });
  let next = options.first;
  setInterval(() => {
    for (let i = 0; i < 60; i += 1) agent.outbox.emit(flowEvent(next++));
  }, 1);
}
