import { AmoskysError } from "../core/errors.ts";
import { encodePublishEnvelopes, encodePublishTree, envelopesPerCallMax, treeBytesMax } from "../envelope/index.ts";
import type { BusClient } from "../transport/index.ts";
import type { StoredGroup } from "../wal/index.ts";
import { classifyAck } from "./ack-class.ts";
import { leavesOf, type Parcel, type ParcelItem, standaloneOf } from "./parcel.ts";
import { type PublishResult, SignatureJudge } from "./signature-judge.ts";

/** What became of a parcel. Records without a result were not answered. */
export interface PublishAnswer {
  readonly results: readonly PublishResult[];
  /** The least time to wait that the bus asks for; 0 where it does not. */
  readonly hintMs: number;
  /** The call itself failed. */
  readonly failure?: AmoskysError;
}

/** One line of an answer, whichever call it came from. */
interface Ack {
  readonly status: number;
  readonly code: string;
  readonly reason: string;
}

interface Answered {
  readonly acks: readonly Ack[];
  readonly hintMs: number;
}

/**
 * Sends parcels by the call that suits the bus: trees, envelopes that stand alone, or the older call one at a time.
 * What a bus does not know or finds too large is learned once and tried anew after the connection was lost.
 */
export class Publisher {
  readonly #client: BusClient;
  #knowsTrees = true;
  #knowsEnvelopes = true;
  /** Trees of this size and more were refused. */
  #treeBytesRefused = Number.POSITIVE_INFINITY;
  #callBytesMax = treeBytesMax;
  readonly #signatures = new SignatureJudge();

  constructor(client: BusClient) {
    this.#client = client;
  }

  /** Forgets what it learned of the bus: another one, or a newer one, may answer next. */
  forget(): void {
    this.#knowsTrees = true;
    this.#knowsEnvelopes = true;
    this.#treeBytesRefused = Number.POSITIVE_INFINITY;
    this.#callBytesMax = treeBytesMax;
    this.#signatures.forget();
  }

  /** Publishes what is pending of a parcel. Never throws for what the bus or the network does. */
  async publish(parcel: Parcel, signal: AbortSignal): Promise<PublishAnswer> {
    const group = parcel.tree;
    if (group && this.#knowsTrees && group.records.length === group.size && parcel.pendingCount * 4 >= group.size) {
      const answer = await this.#publishTree(group, parcel, signal);
      if (answer) return answer;
    }
    return await this.#publishAlone(parcel.items(), signal);
  }

  /** The answer, or undefined where the leaves must go alone. */
  async #publishTree(group: StoredGroup, parcel: Parcel, signal: AbortSignal): Promise<PublishAnswer | undefined> {
    const { source, firstSequence, sig, prevSig } = group;
    const { agent, epoch } = source;
    const bytes = encodePublishTree({ agent, epoch, firstSequence, leaves: leavesOf(group), sig, prevSig });
    if (bytes.length >= this.#treeBytesRefused) return undefined;
    try {
      const { results, backoffHintMs } = await this.#client.publishTree(bytes, signal);
      const items = group.records.map((record) => ({ group, record }));
      const pending = new Set(parcel.items().map(({ record }) => record.id));
      const all = this.#signatures.judge(joinResults(items, { acks: results, hintMs: backoffHintMs }));
      return { results: all.filter(({ item }) => pending.has(item.record.id)), hintMs: backoffHintMs };
    } catch (caught) {
      const failure = AmoskysError.from(caught);
      if (failure.code === "unimplemented") this.#knowsTrees = false;
      else if (isRefusedRequest(failure)) this.#treeBytesRefused = bytes.length;
      else return { results: [], hintMs: 0, failure };
      return undefined;
    }
  }

  async #publishAlone(items: readonly ParcelItem[], signal: AbortSignal): Promise<PublishAnswer> {
    const results: PublishResult[] = [];
    let hintMs = 0;
    for (let at = 0; at < items.length; ) {
      const envelopes = this.#chunk(items, at);
      const chunk = items.slice(at, at + envelopes.length);
      try {
        const answered = await this.#call(envelopes, signal);
        const joined = this.#signatures.judge(joinResults(chunk, answered));
        results.push(...joined);
        hintMs = Math.max(hintMs, answered.hintMs);
        at += chunk.length;
        if (joined.some(({ ackClass }) => ackClass === "wait" || ackClass === "identity")) break;
      } catch (caught) {
        const failure = AmoskysError.from(caught);
        if (failure.code === "unimplemented" && this.#knowsEnvelopes) {
          this.#knowsEnvelopes = false;
        } else if (isRefusedRequest(failure) && chunk.length > 1) {
          this.#callBytesMax = Math.floor(envelopes.reduce((sum, { length }) => sum + length, 0) / 2);
        } else if (isRefusedRequest(failure)) {
          const item = chunk[0] as ParcelItem;
          const code = failure.code === "message_too_large" ? "too_large" : "undecodable";
          results.push({ item, ackClass: "record", code, reason: failure.message });
          at += 1;
        } else {
          return { results, hintMs, failure };
        }
      }
    }
    return { results, hintMs };
  }

  /** Envelopes for one call, at least one. */
  #chunk(items: readonly ParcelItem[], from: number): Uint8Array[] {
    const countMax = this.#knowsEnvelopes ? envelopesPerCallMax : 1;
    const envelopes: Uint8Array[] = [];
    let bytes = 0;
    for (let at = from; at < items.length && envelopes.length < countMax; at += 1) {
      const envelope = standaloneOf(items[at] as ParcelItem);
      bytes += envelope.length;
      if (envelopes.length > 0 && bytes > this.#callBytesMax) break;
      envelopes.push(envelope);
    }
    return envelopes;
  }

  async #call(envelopes: readonly Uint8Array[], signal: AbortSignal): Promise<Answered> {
    if (this.#knowsEnvelopes) {
      const { results, backoffHintMs } = await this.#client.publishEnvelopes(encodePublishEnvelopes(envelopes), signal);
      return { acks: results, hintMs: backoffHintMs };
    }
    const ack = await this.#client.publishTelemetry(envelopes[0] as Uint8Array, signal);
    return { acks: [ack], hintMs: ack.backoffHintMs };
  }
}

/** Whether the bus refuses the request itself: it is too large, or it cannot take it apart. */
function isRefusedRequest(failure: AmoskysError): boolean {
  return failure.code === "message_too_large" || failure.details.grpcStatus === "INVALID_ARGUMENT";
}

function joinResults(items: readonly ParcelItem[], answered: Answered): PublishResult[] {
  const { acks } = answered;
  if (acks.length !== items.length) {
    throw new AmoskysError("internal", `The bus answered ${acks.length} results to ${items.length} events`);
  }
  return items.map((item, i) => {
    const { status, code, reason } = acks[i] as Ack;
    return { item, ackClass: classifyAck(status, code), code: code || "unnamed", reason };
  });
}
