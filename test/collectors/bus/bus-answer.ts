import type { BusAnswer } from "../../../src/collectors/bus/bus-probe.ts";

/** A bus that is well, but for the changes. */
export function answerWith(changes: Partial<BusAnswer> = {}): BusAnswer {
  return {
    overall: "HEALTHY",
    components: { disk_space: { status: "HEALTHY", message: "the disk of the log has 1.0 GiB left" } },
    atMs: 60_000,
    version: "1",
    uptimeSeconds: 10,
    connections: 1,
    eventsTotal: 100,
    load: 0.5,
    figures: { inflight: "0", last_commit_ms: "59000", free_bytes: "unknown", records: "7" },
    ...changes,
  };
}
