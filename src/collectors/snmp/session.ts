import { AmoskysError, errnoOf } from "../../core/errors.ts";
import { printable } from "../../core/escape.ts";
import { AnswerGate, type DiscardReason } from "./answer-gate.ts";
import type { SnmpAccess } from "./config.ts";
import { flagsOf, type LibraryUser, libraryUser } from "./user-security.ts";
import { octetsMax, type SnmpValue, type Varbind } from "./values.ts";

/** The part of the library that is used; it has no types of its own. */
interface Library {
  createSession(address: string, community: string, options: object): LibrarySession;
  createV3Session(address: string, user: LibraryUser, options: object): LibrarySession;
}

interface LibrarySession {
  get(oids: string[], done: (error: LibraryError | null, found?: LibraryVarbind[]) => void): void;
  getBulk(
    oids: string[],
    nonRepeaters: number,
    repetitions: number,
    done: (error: LibraryError | null, found?: LibraryVarbind[][]) => void,
  ): void;
  on(event: "error", listener: () => void): void;
  close(): void;
}

interface LibraryVarbind {
  readonly oid: string;
  readonly type: number;
  readonly value: unknown;
}

/** Its errors quote communities and carry users: of them only name, code and status are looked at. */
interface LibraryError {
  readonly name?: string;
  readonly code?: unknown;
  readonly status?: number;
  readonly message?: string;
}

export interface SessionOptions {
  /** An IP address as the kernel writes it, and its family. */
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
  /** Up to `repetitions` successors of each OID (RFC 3416, 4.2.3), one list for each. */
  getBulk(oids: readonly string[], repetitions: number): Promise<Varbind[][]>;
  /** Releases the socket; what is open fails with `reason`. Safe twice. */
  close(reason?: AmoskysError): void;
}

/** Questions that one agent has before it at once; small ones have small buffers. */
const requestsMax = 4;

const tooBigStatus = 1;
const numberTypes = new Set([1, 2, 65, 66, 67]);
const counter64Type = 70;
const absentTypes = new Set([5, 128, 129, 130]);
const endTypes = new Set([128, 129, 130]);
const opaqueType = 68;

function loadLibrary(): Library {
  return require("net-snmp") as Library;
}

/** Opens a session; the first packet goes with the first question. Throws `facility_missing` (see user-security.ts). */
export function openSession(options: SessionOptions): SnmpSession {
  return new Session(options);
}

/** Whether an agent said that its answer would not fit. */
export function isTooBig(error: unknown): boolean {
  return error instanceof AmoskysError && error.details.status === tooBigStatus;
}

class Session implements SnmpSession {
  readonly #options: SessionOptions;
  readonly #library: LibrarySession;
  #closed: AmoskysError | undefined;
  /** Why the last datagram was dropped, since the last answer. */
  #discarded: string | undefined;
  #inFlight = 0;
  readonly #pending = new Set<(reason: AmoskysError) => void>();
  readonly #waiting: (() => void)[] = [];

  constructor(options: SessionOptions) {
    this.#options = options;
    const { address, family, port, access, timeoutMs, retries, onDiscard } = options;
    const community = access.version === "2c" ? (access.community?.reveal() ?? "") : undefined;
    const gate = new AnswerGate({
      address,
      port,
      community: community === undefined ? undefined : Buffer.from(community),
      flags: access.user ? flagsOf(access.user) : 0,
      onDiscard: (reason, detail) => {
        this.#discarded = detail;
        onDiscard?.(reason);
      },
    });
    const settings = {
      port,
      retries,
      timeout: timeoutMs,
      transport: family === 6 ? "udp6" : "udp4",
      version: community === undefined ? 3 : 1,
      context: access.user?.context ?? "",
      dgramModule: gate,
    };
    this.#library =
      community === undefined
        ? loadLibrary().createV3Session(address, libraryUser(access.user as NonNullable<SnmpAccess["user"]>), settings)
        : loadLibrary().createSession(address, community, settings);
    this.#library.on("error", () => {
      this.#discarded = "it cannot be read";
      onDiscard?.("malformed");
    });
  }

  async get(oids: readonly string[]): Promise<Varbind[]> {
    const found = await this.#ask<LibraryVarbind[]>(oids, (done) => this.#library.get([...oids], done));
    found.forEach(({ oid }, i) => {
      if (oid !== oids[i]) throw this.#invalid(`it answers ${oid}`, oids[i]);
    });
    return found.map((varbind) => this.#read(varbind));
  }

  async getBulk(oids: readonly string[], repetitions: number): Promise<Varbind[][]> {
    const found = await this.#ask<LibraryVarbind[][]>(oids, (done) =>
      this.#library.getBulk([...oids], 0, repetitions, done),
    );
    return found.map((column) => column.map((varbind) => this.#read(varbind)));
  }

  close(reason?: AmoskysError): void {
    if (this.#closed) return;
    this.#closed = reason ?? new AmoskysError("interrupted", `The session with ${this.#place} was closed`);
    this.#library.close();
    for (const reject of this.#pending) reject(this.#closed);
    for (const go of this.#waiting.splice(0)) go();
  }

  get #place(): string {
    const { address, family, port } = this.#options;
    return family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
  }

  async #ask<T>(
    oids: readonly string[],
    send: (done: (error: LibraryError | null, found?: T) => void) => void,
  ): Promise<T> {
    while (!this.#closed && this.#inFlight >= requestsMax) await new Promise<void>((go) => this.#waiting.push(go));
    if (this.#closed) throw this.#closed;
    this.#inFlight += 1;
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#pending.add(reject);
        send((error, found) => {
          this.#pending.delete(reject);
          if (error || found === undefined) return reject(this.#explain(error ?? {}, oids[0]));
          this.#discarded = undefined;
          resolve(found);
        });
      });
    } finally {
      this.#inFlight -= 1;
      this.#waiting.shift()?.();
    }
  }

  #invalid(what: string, oid: string | undefined): AmoskysError {
    const message = `${this.#place} was asked for ${oid}, and its answer is not valid: ${printable(what)}`;
    return new AmoskysError("answer_invalid", message, { details: { oid } });
  }

  /** Our error for the library's: nothing of its text is taken over. */
  #explain({ name, code, status, message = "" }: LibraryError, oid: string | undefined): AmoskysError {
    if (this.#closed) return this.#closed;
    const details = { oid, status };
    if (name === "RequestTimedOutError") {
      if (this.#discarded) return this.#invalid(this.#discarded, oid);
      const { timeoutMs, retries } = this.#options;
      const text = `${this.#place} did not answer within ${timeoutMs * (retries + 1)} ms when asked for ${oid}`;
      return new AmoskysError("timeout", text, { details });
    }
    if (name === "RequestFailedError") {
      return new AmoskysError("answer_invalid", `${this.#place} refuses ${oid}: error status ${status}`, { details });
    }
    if (name === "ResponseInvalidError") return this.#explainInvalid(code, message, oid);
    const errno = errnoOf({ code });
    if (errno) return new AmoskysError("unreachable", `Cannot send to ${this.#place}: ${errno}`, { details });
    return new AmoskysError("internal", `The question for ${oid} cannot be put to ${this.#place}`, { details });
  }

  #explainInvalid(code: unknown, message: string, oid: string | undefined): AmoskysError {
    if (code === 4) return this.#invalid("it cannot be decrypted", oid);
    if (code === 14) return this.#invalid("it is outside of the time window", oid);
    if (code !== 5) return this.#invalid(`fault ${code} of the library`, oid);
    if (message.startsWith("Authentication digest")) return this.#invalid("its signature is wrong", oid);
    const known = /^(Unsupported Security Level|Unknown User Name|Wrong Digest|Decryption Error)/.exec(message)?.[0];
    const why = known?.toLowerCase() ?? "the user is not let in";
    return new AmoskysError("identity_refused", `${this.#place} refuses the SNMPv3 user: ${why}`, {
      hint: "compare snmp user, protocols and passwords with the device's",
      details: { oid },
    });
  }

  #read({ oid, type, value }: LibraryVarbind): Varbind {
    return { oid, value: this.#value(type, value, oid), isEnd: endTypes.has(type) };
  }

  #value(type: number, value: unknown, oid: string): SnmpValue {
    if (absentTypes.has(type)) return { type: "absent" };
    if (numberTypes.has(type)) return { type: "number", number: Number(value) };
    if (typeof value === "string") return { type: "text", text: value };
    if (!(value instanceof Uint8Array)) throw this.#invalid(`a value of type ${type}`, oid);
    if (type === counter64Type) return { type: "counter64", count: counter64(value) };
    if (type === opaqueType && value.length === 7 && value[0] === 0x9f && value[1] === 0x78) {
      return { type: "number", number: Buffer.from(value).readFloatBE(3) };
    }
    return { type: "octets", octets: Uint8Array.prototype.slice.call(value, 0, octetsMax) };
  }
}

/** An unsigned integer of at most eight bytes behind an optional zero; what agents send as negative is unsigned. */
function counter64(bytes: Uint8Array): bigint {
  let count = 0n;
  for (const byte of bytes) count = (count << 8n) | BigInt(byte);
  return BigInt.asUintN(64, count);
}
