/** Prints the flows of a capture as the command does; run by tests as a process of its own. */
import { flowConfigSchema, printFlows } from "../../../src/collectors/flow/index.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { AmoskysError } from "../../../src/core/errors.ts";
import { silentObserver } from "../../../src/core/observer.ts";

const ending = new AbortController();
process.on("SIGTERM", () => ending.abort());
try {
  await printFlows({
    config: flowConfigSchema.parse({}),
    read: process.argv[2] as string,
    signal: ending.signal,
    context: {
      observer: silentObserver,
      clock: systemClock,
      spawnWorker: () => {
        throw new Error("a file needs no thread");
      },
    },
  });
} catch (caught) {
  const { message, exitStatus } = AmoskysError.from(caught);
  process.stderr.write(`${message}\n`);
  process.exit(exitStatus);
}
process.exit(0);
