/**
 * Starts the collector and says what became of it; run by tests as a process of its own, without privileges. With a
 * number of bytes it may map so many more at most, and tells its health after one round.
 */
import { readFileSync } from "node:fs";
import { syscallCollector, syscallConfigSchema } from "../../../src/collectors/syscall/index.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { AmoskysError } from "../../../src/core/errors.ts";
import { silentObserver } from "../../../src/core/observer.ts";

const roomBytes = Number(process.argv[2] ?? 0);
if (roomBytes > 0) {
  const mappedKib = Number(/^VmSize:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1]);
  Bun.spawnSync(["prlimit", "--pid", String(process.pid), `--as=${mappedKib * 1024 + roomBytes}`]);
}
const settings = roomBytes > 0 ? { interval_s: 0.2, ring_bytes: 1 << 26 } : {};
const logged: string[] = [];

const collector = syscallCollector.create(
  { config: syscallConfigSchema.parse(settings), once: true },
  {
    observer: { ...silentObserver, log: (_level, message) => void logged.push(message) },
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
  if (roomBytes > 0) await collector.done;
  process.stdout.write(`${JSON.stringify({ health: collector.health(), logged })}\n`);
} catch (caught) {
  const { code, message, hint, exitStatus } = AmoskysError.from(caught);
  process.stdout.write(`${JSON.stringify({ code, message, hint, exitStatus })}\n`);
}
await collector.stop(1000);
process.exit(0);
