import type { RecordKind } from "../core/event.ts";
import type { EventView } from "./render-view.ts";

/** By ProcessEvent.source. */
const processCollectors: ReadonlyMap<string, string> = new Map([
  ["poll", "proc"],
  ["ebpf", "syscall"],
]);

/** Collectors of other events than telemetry. */
const kindsOfCollector: Readonly<Record<string, readonly RecordKind[]>> = {
  flow: ["flow"],
  proc: ["process", "device"],
  syscall: ["process", "device"],
  synthetic: ["flow", "process", "device", "batch"],
};

/**
 * The collector that an event comes from, as the event itself shows it; undefined for what a log says of itself, and
 * where earlier agents do not say. Of telemetry it is what its agent wrote, which may be any text.
 */
export function collectorOf({ synthetic, payload }: Pick<EventView, "synthetic" | "payload">): string | undefined {
  if (synthetic) return "synthetic";
  switch (payload?.kind) {
    case "flow":
      return "flow";
    case "process":
      return processCollectors.get(payload.event.source);
    case "device":
      return payload.event.collectionAgent || undefined;
    default:
      return undefined;
  }
}

/** Whether an event is of one of these collectors; undefined: of any. */
export function isOfCollectors(view: EventView, collectors: readonly string[] | undefined): boolean {
  return collectors === undefined || collectors.includes(collectorOf(view) ?? "");
}

/** The kinds that have to be read for these collectors: other ones need not be opened. */
export function kindsToRead(
  kinds: readonly RecordKind[] | undefined,
  collectors: readonly string[] | undefined,
): readonly RecordKind[] | undefined {
  if (!collectors) return kinds;
  const theirs = new Set<RecordKind>(collectors.flatMap((collector) => kindsOfCollector[collector] ?? ["device"]));
  const both = kinds?.filter((kind) => theirs.has(kind)) ?? [...theirs];
  // where the two exclude each other, isOfCollectors leaves nothing
  return both.length > 0 ? both : kinds;
}
