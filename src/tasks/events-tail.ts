import { Backoff } from "../core/backoff.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { AmoskysError } from "../core/errors.ts";
import type { RecordKind } from "../core/event.ts";
import { silentObserver } from "../core/observer.ts";
import type { SubscribeResponse } from "../gen/amoskys/v1/bus_pb.ts";
import { loadTlsMaterial, type TlsPaths } from "../identity/index.ts";
import { type BusClient, createBusClient } from "../transport/index.ts";
import { isOfCollectors, kindsToRead } from "./event-collector.ts";
import { viewSubscribed } from "./events-view.ts";
import type { EventView } from "./render-view.ts";

/** Where following starts. */
export type TailStart =
  | { readonly at: "now" }
  /** From this record of the bus on. */
  | { readonly at: "id"; readonly id: bigint }
  /** From the first record that the bus took at or after this time, nanoseconds since the Unix epoch. */
  | { readonly at: "time"; readonly sinceNs: bigint };

export interface TailOptions {
  /** host:port of the bus. */
  readonly address: string;
  /** The operator's certificate. */
  readonly tls: TlsPaths;
  readonly allowGroupRead: boolean;
  readonly start: TailStart;
  readonly kinds: readonly RecordKind[];
  readonly agents: readonly string[];
  /** The bus does not tell them apart: what others saw is left out here. */
  readonly collectors?: readonly string[] | undefined;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** The connection was lost and will be made again; what comes meanwhile is not missed. Once for each loss. */
  readonly onInterruption: (error: AmoskysError) => void;
  /** The bus answers again. */
  readonly onReturn: () => void;
  readonly clock?: Clock;
}

/** A stream that stood so long and ends was renewed by the bus, as it does now and then: that is no interruption. */
const renewalMsMin = 1000;

type Start = { case: "now"; value: true } | { case: "afterId" | "sinceNs"; value: bigint };

/**
 * Follows the events of a bus. A connection that is lost after it stood once is made again and goes on behind the last
 * event. Throws as the client does where it never stood, or was refused.
 */
export async function* tailEvents(options: TailOptions): AsyncGenerator<EventView, void> {
  const { tls, allowGroupRead, address, signal, collectors, clock = systemClock } = options;
  const material = loadTlsMaterial(tls, { allowGroupRead, nowMs: clock.wallMs() });
  const client = createBusClient({ address, tls: material, observer: silentObserver, clock });
  const backoff = new Backoff({ baseMs: 500, maxMs: 10_000 });
  try {
    let start = await firstStart(client, options.start, signal);
    let isLost = false;
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      let error = new AmoskysError("unreachable", `The bus at ${address} ended the stream`);
      try {
        if (isLost) await client.getHealth(signal);
        if (isLost) options.onReturn();
        isLost = false;
        for await (const response of subscribe(client, start, options)) {
          start = { case: "afterId", value: response.id };
          backoff.reset();
          const view = viewSubscribed(response);
          if (isOfCollectors(view, collectors)) yield view;
        }
      } catch (caught) {
        error = AmoskysError.from(caught);
        if (!error.retryable) throw beyondLast(error, start) ?? error;
      }
      if (signal.aborted) return;
      if (!isLost && clock.monotonicMs() - startedMs >= renewalMsMin) {
        backoff.reset();
        continue;
      }
      if (!isLost) options.onInterruption(error);
      isLost = true;
      await sleep(backoff.nextMs(), signal);
    }
  } catch (caught) {
    if (!signal.aborted) throw caught;
  } finally {
    await client.close();
  }
}

/** Asks the bus for its time first: it shows that the bus is there, and `now` stays the same through interruptions. */
async function firstStart(client: BusClient, start: TailStart, signal: AbortSignal): Promise<Start> {
  const { timestampNs } = await client.getHealth(signal);
  if (start.at === "id") return { case: "afterId", value: start.id > 0n ? start.id - 1n : 0n };
  return { case: "sinceNs", value: start.at === "time" ? start.sinceNs : timestampNs };
}

/** What the bus says of a record that it has not stored yet, in our words. */
function beyondLast(error: AmoskysError, start: Start): AmoskysError | undefined {
  const last = error.details.grpcStatus === "OUT_OF_RANGE" && /the last is (\d+)/.exec(error.message)?.[1];
  if (!last || start.case !== "afterId") return undefined;
  const from = BigInt(last) + 1n;
  return new AmoskysError("usage", `There is no record ${start.value + 1n} yet: the last one of the bus is ${last}`, {
    hint: `amoskys events tail --from ${from} waits for the next`,
    cause: error,
  });
}

function subscribe(client: BusClient, start: Start, options: TailOptions): AsyncIterable<SubscribeResponse> {
  const { kinds, agents, collectors, signal } = options;
  const read = kindsToRead(kinds.length > 0 ? kinds : undefined, collectors) ?? [];
  return client.subscribe({ start, kinds: [...read], agents: [...agents] }, signal);
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
