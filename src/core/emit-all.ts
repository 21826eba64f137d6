import { setImmediate } from "node:timers/promises";
import type { CollectorContext } from "./collector.ts";
import type { CollectedEvent } from "./event.ts";
import { awaitOrAbort } from "./pause.ts";

/** Events between two questions for room. */
const eventsTogether = 256;
/** Bytes between two questions for room: a sixteenth of what an outbox holds in memory. */
const bytesTogether = 1 << 20;

/**
 * Hands the events of one round on. Now and then it lets others run, asks for room and waits for it, in all `waitMsMax`
 * milliseconds at most and not beyond an abort: a collector that waited longer would see nothing of what happens
 * meanwhile. What finds no room then is declared lost by the outbox.
 */
export async function emitAll(
  { emit, room }: Pick<CollectorContext, "emit" | "room">,
  events: Iterable<CollectedEvent>,
  signal: AbortSignal,
  waitMsMax = 2000,
): Promise<void> {
  const late = AbortSignal.timeout(waitMsMax);
  const noLonger = AbortSignal.any([signal, late]);
  let [count, bytes] = [0, 0];
  for (const event of events) {
    if (count % eventsTogether === 0 || bytes >= bytesTogether) {
      await setImmediate();
      await awaitOrAbort(room(), noLonger);
      bytes = 0;
    }
    emit(event);
    count += 1;
    bytes += event.payload.length;
  }
}
