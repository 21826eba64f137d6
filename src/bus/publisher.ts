import type { Clock } from "../core/clock.ts";
import type { Observer } from "../core/observer.ts";
import { judgePeer, type TrustMap } from "../identity/index.ts";
import type { EventMethod, Peer } from "../transport/index.ts";
import type { Verdict } from "./ack-code.ts";
import type { Load } from "./acks.ts";
import type { DiskGate } from "./disk-gate.ts";
import type { FairQueue } from "./fair-queue.ts";
import { isWaiting, type Outcome, type Sender } from "./outcome.ts";
import type { OverloadGate } from "./overload-gate.ts";
import { type Admissions, openCall, type PublishCall, statusRefusal } from "./publish-call.ts";
import type { RateGate } from "./rate-gate.ts";
import { RefusalLog } from "./refusal-log.ts";
import type { Tally } from "./tally.ts";
import type { Pending } from "./unit.ts";

export interface PublisherOptions {
  readonly trust: () => TrustMap;
  readonly admissions: Admissions;
  readonly overload: OverloadGate;
  readonly rates: RateGate;
  readonly disk: DiskGate;
  readonly turns: FairQueue;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly tally: Tally;
  /** The answer to every event while the bus takes none, be it that it stops or that its log failed. */
  readonly closed: () => Verdict | undefined;
  /** Something was let in and may be committed. */
  readonly onAdmitted: () => void;
  /** Nobody waits for it any more. */
  readonly onAbandoned: (pending: Pending) => void;
}

/**
 * Answers the calls that carry events. What is cheap comes first: who calls, whether there is room, the agent's rate
 * and the disk; only then, in the agent's turn, are bytes read and signatures checked.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #refusals: RefusalLog;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#refusals = new RefusalLog(options.observer, options.clock);
  }

  async publish(peer: Peer, method: EventMethod, bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { clock, trust: currentTrust, overload, observer } = this.#options;
    const startedMs = clock.monotonicMs();
    const trust = currentTrust();
    const atMs = clock.wallMs();
    const judged = judgePeer(peer, "publish", trust, atMs);
    if (!judged.ok) observer.count("amoskys_bus_authentication_failures_total", { code: judged.code });
    const call = this.#open(method, bytes, judged.ok ? undefined : judged);
    if (!judged.ok) return this.#answer(call, { who: peer.name ?? peer.address }, all(call, judged), startedMs);
    const { entry } = judged;
    const closed = this.#options.closed();
    const ticket = closed ?? overload.enter(entry.name, bytes.length);
    const caller = { agent: entry.name, who: entry.name };
    if ("code" in ticket) return this.#answer(call, caller, all(call, ticket), startedMs);
    observer.gauge("bus_inflight_requests", overload.inflight);
    try {
      const verdicts = await this.#admit(call, { entry, trust, atMs }, signal);
      return this.#answer(call, caller, verdicts, startedMs);
    } finally {
      ticket.leave();
      observer.gauge("bus_inflight_requests", overload.inflight);
    }
  }

  /** How busy the bus is. */
  load(): Load {
    const { overload } = this.#options;
    return {
      load: overload.load,
      queueDepth: overload.inflight,
      ratePerSecond: overload.ratePerSecond(),
      slowHintMs: overload.slowHintMs(),
    };
  }

  /**
   * A request that cannot be taken apart has no events to answer: its caller gets a status, first of all who it is
   * not.
   */
  #open(method: EventMethod, bytes: Uint8Array, refused: Verdict | undefined): PublishCall {
    try {
      return openCall(method, bytes, this.#options.admissions);
    } catch (caught) {
      this.#options.observer.count("bus_publish_total", { status: refused ? "SECURITY_VIOLATION" : "INVALID" });
      throw refused ? statusRefusal(refused) : caught;
    }
  }

  async #admit(call: PublishCall, sender: Sender, signal: AbortSignal): Promise<readonly Verdict[]> {
    const { rates, disk, turns, clock } = this.#options;
    const { name, rateLimit } = sender.entry;
    const refusal = rates.refusal(name, rateLimit, clock.monotonicMs()) ?? disk.refusal();
    if (refusal) return all(call, refusal);
    rates.take(name, call.events);
    const outcomes = await call.admit(sender, (work) => turns.run(name, work));
    this.#options.onAdmitted();
    return this.#settled(outcomes, signal);
  }

  /** Waits for what the log does with the events; lets go of them when the caller is gone. */
  async #settled(outcomes: readonly Outcome[], signal: AbortSignal): Promise<readonly Verdict[]> {
    const awaited = new Set<Pending>();
    for (const outcome of outcomes) if (isWaiting(outcome)) awaited.add(outcome.pending);
    if (awaited.size === 0) return outcomes as readonly Verdict[];
    for (const pending of awaited) pending.callers += 1;
    const onAbort = () => {
      for (const pending of awaited) {
        pending.callers -= 1;
        if (pending.callers === 0) this.#options.onAbandoned(pending);
      }
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    const fates = new Map<Pending, Verdict>();
    for (const pending of awaited) fates.set(pending, await pending.done);
    signal.removeEventListener("abort", onAbort);
    return outcomes.map((outcome) =>
      isWaiting(outcome) ? outcome.answer(fates.get(outcome.pending) as Verdict) : outcome,
    );
  }

  #answer(
    call: PublishCall,
    caller: { readonly agent?: string; readonly who: string },
    verdicts: readonly Verdict[],
    startedMs: number,
  ): Uint8Array {
    const { clock } = this.#options;
    const refused = this.#options.tally.call(caller.agent, verdicts, clock.monotonicMs() - startedMs);
    for (const verdict of refused) this.#refusals.refused(caller.who, verdict);
    return call.encode(verdicts, this.load(), clock.wallNs());
  }
}

function all({ events }: PublishCall, verdict: Verdict): Verdict[] {
  return Array.from({ length: events }, () => verdict);
}
