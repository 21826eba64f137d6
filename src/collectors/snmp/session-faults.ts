import { AmoskysError, errnoOf } from "../../core/errors.ts";
import { printable } from "../../core/escape.ts";
import type { AnswerGate, DiscardReason } from "./answer-gate.ts";

/** RFC 3416: tooBig, noSuchName (of v1), and what people meet of the others. */
export const errorStatuses = { tooBig: 1, noSuchName: 2 } as const;
const statusNames: Readonly<Record<number, string>> = {
  1: "too big",
  2: "no such name",
  5: "general error",
  6: "no access",
  13: "resource unavailable",
  16: "authorization error",
};

/** A datagram that was no answer. */
export interface Discarded {
  readonly reason: DiscardReason;
  readonly detail: string;
}

export interface FaultPlace {
  readonly address: string;
  readonly family: 4 | 6;
  readonly port: number;
  readonly timeoutMs: number;
  readonly retries: number;
}

/** Says what went wrong with one device; never with a community or a password. */
export class SessionFaults {
  /** Why the last datagram was dropped, since the last answer. */
  discarded: Discarded | undefined;
  readonly #place: FaultPlace;

  constructor(place: FaultPlace) {
    this.#place = place;
  }

  get place(): string {
    const { address, family, port } = this.#place;
    return family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
  }

  /** Nothing came in time that could be taken, or nothing went: the gate knows. */
  timeout(
    oid: string | undefined,
    { isUnsent, isRefused }: Pick<AnswerGate, "isUnsent" | "isRefused">,
    whatElse?: string,
  ): AmoskysError {
    if (this.discarded) return this.invalid(this.discarded.detail, oid, this.discarded.reason);
    if (isUnsent) return this.unsent({ code: "ENOBUFS" }, oid);
    const waitedMs = this.#place.timeoutMs * (this.#place.retries + 1);
    const why = isRefused ? ": nothing listens on that port" : "";
    const message = `${this.place} did not answer within ${waitedMs} ms when asked for ${oid}${why}`;
    return new AmoskysError("timeout", message, {
      hint:
        whatElse ?? "check address, port and community, that the device's agent runs, and that it lets this host in",
      details: { oid },
    });
  }

  invalid(what: string, oid: string | undefined, discarded?: DiscardReason): AmoskysError {
    const message = `${this.place} was asked for ${oid}, and its answer is not valid: ${printable(what)}`;
    return new AmoskysError("answer_invalid", message, { details: { oid, discarded } });
  }

  /** The agent said no. */
  refused(status: number | undefined, oid: string | undefined): AmoskysError {
    const name = statusNames[status ?? 0];
    const message = `${this.place} refuses ${oid}: error status ${status}${name ? ` (${name})` : ""}`;
    return new AmoskysError("answer_invalid", message, { details: { oid, status } });
  }

  /** The kernel did not take the packet. */
  unsent(caught: unknown, oid: string | undefined): AmoskysError {
    const errno = errnoOf(caught);
    if (errno) {
      const details = { oid, errno };
      return new AmoskysError("unreachable", `Cannot send to ${this.place}: ${errno}`, { details });
    }
    return new AmoskysError("internal", `The question for ${oid} cannot be put to ${this.place}`, { details: { oid } });
  }
}
