import type { Observer } from "../core/observer.ts";
import { ackCodes } from "../data/ack-codes.ts";
import { UniversalAck_Status } from "../gen/universal_telemetry_pb.ts";
import { statusOf, type Verdict } from "./ack-code.ts";

const statusNames = new Map<UniversalAck_Status, string>(
  Object.entries(UniversalAck_Status)
    .filter((entry): entry is [string, UniversalAck_Status] => typeof entry[1] === "number")
    .map(([name, status]) => [status, name]),
);

/** Counts what was answered: each call once by its worst status, each event once by its code. */
export class Tally {
  readonly #observer: Observer;
  #refused = 0;

  constructor(observer: Observer) {
    this.#observer = observer;
  }

  /** Events that were not taken since the start, also those that may come again. */
  get refused(): number {
    return this.#refused;
  }

  /**
   * Counts one call; `agent` is undefined for a peer that is not in the trust map. Answers the refusals, one of each
   * code.
   */
  call(agent: string | undefined, verdicts: readonly Verdict[], ms: number): Verdict[] {
    const refused = new Map<string, Verdict>();
    const events = new Map<Verdict, number>();
    for (const verdict of verdicts) events.set(verdict, (events.get(verdict) ?? 0) + 1);
    let worst: UniversalAck_Status = UniversalAck_Status.OK;
    for (const [verdict, count] of events) {
      worst = Math.max(worst, statusOf(verdict.code));
      if (ackCodes[verdict.code].class !== "done") {
        refused.set(verdict.code, verdict);
        this.#refused += count;
      }
      if (agent !== undefined) this.#event(agent, verdict, count);
    }
    this.#observer.count("bus_publish_total", { status: statusNames.get(worst) ?? "OK" });
    this.#observer.observe("bus_publish_latency_ms", ms);
    if (worst === UniversalAck_Status.INVALID) this.#observer.count("bus_invalid_total");
    if (worst === UniversalAck_Status.RETRY || worst === UniversalAck_Status.OVERLOAD) {
      this.#observer.count("bus_retry_total");
    }
    return [...refused.values()];
  }

  #event(agent: string, { code }: Verdict, count: number): void {
    this.#observer.count("amoskys_bus_messages_received_total", { agent }, count);
    if (ackCodes[code].class === "done") {
      this.#observer.count("amoskys_bus_messages_processed_total", { agent }, count);
      if (code === "duplicate") this.#observer.count("amoskys_bus_messages_duplicate_total", { agent }, count);
      return;
    }
    this.#observer.count("amoskys_bus_messages_failed_total", { agent, code }, count);
    if (code === "conflict" || code === "digest_mismatch") {
      this.#observer.count("amoskys_bus_forks_total", { agent }, count);
    }
  }
}
