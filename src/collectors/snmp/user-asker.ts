import { AmoskysError } from "../../core/errors.ts";
import type { AnswerGate } from "./answer-gate.ts";
import type { Asker } from "./asker.ts";
import type { SessionFaults } from "./session-faults.ts";
import { readMessage, snmpTags } from "./snmp-message.ts";
import type { LibraryUser } from "./user-security.ts";
import { counter64Value, octetsValue, opaqueValue, type SnmpValue, type Varbind } from "./values.ts";

/** The part of the library that is used; it has no types of its own. */
interface Library {
  createV3Session(address: string, user: LibraryUser, options: object): LibrarySession;
}

type Done<T> = (error: LibraryError | null, found?: T) => void;

interface LibrarySession {
  get(oids: string[], done: Done<LibraryVarbind[]>): void;
  getBulk(oids: string[], nonRepeaters: number, repetitions: number, done: Done<LibraryVarbind[][]>): void;
  on(event: "error", listener: () => void): void;
  close(): void;
}

interface LibraryVarbind {
  readonly oid: string;
  readonly type: number;
  readonly value: unknown;
}

/** Its errors carry users: of them only name, code and status are looked at, and the first words of the message. */
interface LibraryError {
  readonly name?: string;
  readonly code?: unknown;
  readonly status?: number;
  readonly message?: string;
}

export interface UserAskerOptions {
  readonly address: string;
  readonly port: number;
  readonly user: LibraryUser;
  readonly context: string;
  readonly timeoutMs: number;
  readonly retries: number;
  /** Hears of an answer that came through the gate and could not be read. */
  onUnreadable(): void;
}

/** usmStats of RFC 3414, 5, by the library's words, each with what to do. */
const refusals: readonly (readonly [words: string, what: string, hint: string])[] = [
  ["Unknown User Name", "unknown user name", "create the user on the device, or correct user.name"],
  ["Wrong Digest", "wrong digest", "compare user.auth and user.auth_password with the device's"],
  [
    "Unsupported Security Level",
    "unsupported security level",
    "the device's user has fewer protocols: compare user.auth and user.priv with the device's",
  ],
  ["Decryption Error", "decryption error", "compare user.priv and user.priv_password with the device's"],
  [
    "Not In Time Window",
    "not in its time window",
    "the device's clock jumped or it began anew; the next round asks it",
  ],
  ["Unknown Engine ID", "unknown engine", "the device's engine ID changed; the next round asks it"],
];
const silentHint = "a device may also be silent where user.priv, user.priv_password or the context are wrong";

/** SNMP v3: the library does what is secret; its packets go through the gate. */
export class UserAsker implements Asker {
  readonly #gate: AnswerGate;
  readonly #faults: SessionFaults;
  readonly #library: LibrarySession;
  #isClosed = false;

  constructor(gate: AnswerGate, faults: SessionFaults, options: UserAskerOptions) {
    const { address, port, user, context, timeoutMs, retries, onUnreadable } = options;
    this.#gate = gate;
    this.#faults = faults;
    const settings = { port, retries, timeout: timeoutMs, version: 3, context, dgramModule: datagramsOf(gate) };
    this.#library = (require("net-snmp") as Library).createV3Session(address, user, settings);
    this.#library.on("error", onUnreadable);
  }

  async get(oids: readonly string[]): Promise<Varbind[]> {
    const found = await this.#ask<LibraryVarbind[]>(oids[0], (done) => this.#library.get([...oids], done));
    return found.map((varbind) => this.#read(varbind));
  }

  async getBulk(oids: readonly string[], repetitions: number): Promise<Varbind[][]> {
    const found = await this.#ask<LibraryVarbind[][]>(oids[0], (done) =>
      this.#library.getBulk([...oids], 0, repetitions, done),
    );
    return found.map((column) => column.map((varbind) => this.#read(varbind)));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#library.close();
  }

  #ask<T>(oid: string | undefined, send: (done: Done<T>) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      send((error, found) => {
        if (error || found === undefined) reject(this.#explain(error ?? {}, oid));
        else resolve(found);
      });
    });
  }

  /** Our error for the library's: nothing of its text is taken over. */
  #explain({ name, code, status, message = "" }: LibraryError, oid: string | undefined): AmoskysError {
    const faults = this.#faults;
    if (name === "RequestTimedOutError") return faults.timeout(oid, this.#gate, silentHint);
    if (name === "RequestFailedError") return faults.refused(status, oid);
    if (name !== "ResponseInvalidError") return faults.unsent({ code }, oid);
    if (code === 4) return faults.invalid("it cannot be decrypted", oid);
    if (code === 14) return faults.invalid("it is outside of the time window", oid);
    if (code !== 5) return faults.invalid(`fault ${code} of the library`, oid);
    if (message.startsWith("Authentication digest")) return faults.invalid("its signature is wrong", oid);
    const [, what, hint] = refusals.find(([words]) => message.startsWith(words)) ?? [
      "",
      "the user is not let in",
      "compare the user, its protocols and its passwords with the device's",
    ];
    const text = `${faults.place} refuses the SNMPv3 user: ${what}`;
    return new AmoskysError("identity_refused", text, { hint, details: { oid } });
  }

  #read({ oid, type, value }: LibraryVarbind): Varbind {
    return { oid, value: this.#value(type, value, oid), isEnd: type >= 128 };
  }

  #value(type: number, value: unknown, oid: string): SnmpValue {
    if (value === null || type >= 128) return { type: "absent" };
    if (typeof value === "number") return { type: "number", number: value };
    if (typeof value === "boolean") return { type: "number", number: Number(value) };
    if (typeof value === "string") return { type: "text", text: value };
    if (!(value instanceof Uint8Array)) throw this.#faults.invalid(`a value of type ${type}`, oid);
    if (type === snmpTags.counter64) return counter64Value(value);
    return type === snmpTags.opaque ? opaqueValue(value) : octetsValue(value);
  }
}

/** What node:dgram is to the library. */
function datagramsOf(gate: AnswerGate): object {
  const socket = {
    on: (event: string, listener: (bytes: Buffer) => void) => {
      if (event === "message") gate.onAnswer = (_message, bytes) => listener(bytes);
    },
    send: (
      bytes: Buffer,
      _offset: number,
      _length: number,
      _port: number,
      _host: string,
      done: (e?: unknown) => void,
    ) => {
      const reading = readMessage(bytes);
      try {
        if (reading.ok) gate.send(bytes, reading.message.id);
      } catch (caught) {
        return done(caught);
      }
      done();
    },
    ref: () => {},
    unref: () => {},
    close: () => gate.close(),
  };
  return { createSocket: () => socket };
}
