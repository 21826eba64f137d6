import { AmoskysError } from "../../core/errors.ts";
import { AnswerGate, type DiscardReason } from "./answer-gate.ts";
import type { Asker } from "./asker.ts";
import { CommunityAsker } from "./community-asker.ts";
import type { SnmpAccess } from "./config.ts";
import { errorStatuses, SessionFaults } from "./session-faults.ts";
import { UserAsker } from "./user-asker.ts";
import { flagsOf, libraryUser } from "./user-security.ts";
import type { Varbind } from "./values.ts";

export interface SessionOptions {
  /** An IP address and its family. */
  readonly address: string;
  readonly family: 4 | 6;
  readonly port: number;
  readonly access: SnmpAccess;
  /** Wait for the answer to one packet, and how often it is sent again. */
  readonly timeoutMs: number;
  readonly retries: number;
  /** Hears of each datagram that was no answer. */
  onDiscard?(reason: DiscardReason): void;
}

/** A conversation with one agent. */
export interface SnmpSession {
  /** The values of instances, in their order. */
  get(oids: readonly string[]): Promise<Varbind[]>;
  /** Up to `repetitions` successors of each OID (RFC 3416, 4.2.3), one list for each; one successor over v1. */
  getBulk(oids: readonly string[], repetitions: number): Promise<Varbind[][]>;
  /** Releases the socket; what is open fails with `reason`. Safe twice. */
  close(reason?: AmoskysError): void;
}

/** Questions that one agent has before it at once; small ones have small buffers. */
const requestsMax = 4;

/** The number of a version in its messages. */
const versionNumbers = { "1": 0, "2c": 1, "3": 3 } as const;

/**
 * Opens a session; the first packet goes with the first question. Throws `facility_missing` (see user-security.ts) and
 * `unreachable`.
 */
export async function openSession(options: SessionOptions): Promise<SnmpSession> {
  const { address, port, access, timeoutMs, retries, onDiscard } = options;
  const version = versionNumbers[access.version];
  const faults = new SessionFaults(options);
  const discard = (reason: DiscardReason, detail: string) => {
    faults.discarded = { reason, detail };
    onDiscard?.(reason);
  };
  if (version === 3) {
    if (!access.user) throw new AmoskysError("config_invalid", `There is no user for ${faults.place}`);
    const user = libraryUser(access.user);
    const flags = flagsOf(access.user);
    const gate = await AnswerGate.open({ ...options, version, community: undefined, flags, onDiscard: discard });
    const { context } = access.user;
    const onUnreadable = () => discard("malformed", "it cannot be read");
    const asker = new UserAsker(gate, faults, { address, port, user, context, timeoutMs, retries, onUnreadable });
    return new Session(asker, faults);
  }
  const community = Buffer.from(access.community?.reveal() ?? "");
  const gate = await AnswerGate.open({ ...options, version, community, flags: 0, onDiscard: discard });
  return new Session(new CommunityAsker(gate, faults, { version, community, timeoutMs, retries }), faults);
}

/** Whether an agent said that its answer would not fit. */
export function isTooBig(error: unknown): boolean {
  return error instanceof AmoskysError && error.details.status === errorStatuses.tooBig;
}

class Session implements SnmpSession {
  readonly #asker: Asker;
  readonly #faults: SessionFaults;
  #closed: AmoskysError | undefined;
  #inFlight = 0;
  readonly #pending = new Set<(reason: AmoskysError) => void>();
  readonly #waiting: (() => void)[] = [];

  constructor(asker: Asker, faults: SessionFaults) {
    this.#asker = asker;
    this.#faults = faults;
  }

  async get(oids: readonly string[]): Promise<Varbind[]> {
    const found = await this.#inTurn(() => this.#asker.get(oids));
    found.forEach(({ oid }, i) => {
      if (oid !== oids[i]) throw this.#faults.invalid(`it answers ${oid}`, oids[i]);
    });
    return found;
  }

  async getBulk(oids: readonly string[], repetitions: number): Promise<Varbind[][]> {
    const found = await this.#inTurn(() => this.#asker.getBulk(oids, repetitions));
    // RFC 3416, 4.2.3: as many as were asked for, and no more
    const most = Math.max(...found.map(({ length }) => length));
    if (most > repetitions) throw this.#faults.invalid(`it has ${most} rows in place of ${repetitions}`, oids[0]);
    return found;
  }

  close(reason?: AmoskysError): void {
    if (this.#closed) return;
    this.#closed = reason ?? new AmoskysError("interrupted", `The session with ${this.#faults.place} was closed`);
    this.#asker.close();
    for (const reject of this.#pending) reject(this.#closed);
    for (const go of this.#waiting.splice(0)) go();
  }

  /** Asks once there is room, and fails at once when the session is closed. */
  async #inTurn<T>(ask: () => Promise<T>): Promise<T> {
    while (!this.#closed && this.#inFlight >= requestsMax) await new Promise<void>((go) => this.#waiting.push(go));
    if (this.#closed) throw this.#closed;
    this.#inFlight += 1;
    const closed = Promise.withResolvers<never>();
    this.#pending.add(closed.reject);
    try {
      const found = await Promise.race([ask(), closed.promise]);
      this.#faults.discarded = undefined;
      return found;
    } catch (caught) {
      throw this.#closed ?? caught;
    } finally {
      this.#pending.delete(closed.reject);
      this.#inFlight -= 1;
      this.#waiting.shift()?.();
    }
  }
}
