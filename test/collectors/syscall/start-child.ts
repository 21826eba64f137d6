/** Starts the collector and says what became of it; run by tests as a process of its own, without privileges. */
import { syscallCollector, syscallConfigSchema } from "../../../src/collectors/syscall/index.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { AmoskysError } from "../../../src/core/errors.ts";
import { silentObserver } from "../../../src/core/observer.ts";

const collector = syscallCollector.create(
  { config: syscallConfigSchema.parse({}), once: true },
  {
    observer: silentObserver,
    clock: systemClock,
    emit: () => {},
    room: () => Promise.resolve(),
    spawnWorker: () => {
      throw new Error("no thread is needed");
    },
  },
);
try {
  await collector.start();
  process.stdout.write("started\n");
} catch (caught) {
  const { code, message, hint, exitStatus } = AmoskysError.from(caught);
  process.stdout.write(`${JSON.stringify({ code, message, hint, exitStatus })}\n`);
}
await collector.stop(1000);
process.exit(0);
