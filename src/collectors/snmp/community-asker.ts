import type { AnswerGate } from "./answer-gate.ts";
import type { Asker } from "./asker.ts";
import { encodeRequest, type SnmpRequest } from "./request.ts";
import { errorStatuses, type SessionFaults } from "./session-faults.ts";
import type { SnmpPdu } from "./snmp-message.ts";
import type { Varbind } from "./values.ts";

export interface CommunityAskerOptions {
  readonly version: 0 | 1;
  readonly community: Uint8Array;
  readonly timeoutMs: number;
  readonly retries: number;
}

interface OpenQuestion {
  resolve(answer: SnmpPdu): void;
  timer: ReturnType<typeof setTimeout> | undefined;
}

type Question = Pick<SnmpRequest, "pdu" | "oids" | "repetitions">;

/** SNMP v1 and v2c: a community in the clear. */
export class CommunityAsker implements Asker {
  readonly #gate: AnswerGate;
  readonly #faults: SessionFaults;
  readonly #options: CommunityAskerOptions;
  readonly #open = new Map<number, OpenQuestion>();

  constructor(gate: AnswerGate, faults: SessionFaults, options: CommunityAskerOptions) {
    this.#gate = gate;
    this.#faults = faults;
    this.#options = options;
    gate.onAnswer = ({ id, pdu }) => {
      const question = this.#open.get(id);
      if (question === undefined || pdu === undefined) return;
      this.#open.delete(id);
      clearTimeout(question.timer);
      question.resolve(pdu);
    };
  }

  get(oids: readonly string[]): Promise<Varbind[]> {
    return this.#askHad({ pdu: "get", oids });
  }

  async getBulk(oids: readonly string[], repetitions: number): Promise<Varbind[][]> {
    if (this.#options.version === 0) return (await this.#askHad({ pdu: "getNext", oids })).map((varbind) => [varbind]);
    const { errorStatus, varbinds } = await this.#ask({ pdu: "getBulk", oids, repetitions });
    if (errorStatus !== 0) throw this.#faults.refused(errorStatus, oids[0]);
    const columns: Varbind[][] = oids.map(() => []);
    for (const [i, varbind] of varbinds.entries()) columns[i % oids.length]?.push(varbind);
    return columns;
  }

  close(): void {
    for (const { timer } of this.#open.values()) clearTimeout(timer);
    this.#open.clear();
    this.#gate.close();
  }

  /**
   * One varbind for each OID. v1 fails a whole packet for one object that is not there and names it (RFC 1157, 4.1.2):
   * the others are asked for again without it.
   */
  async #askHad({ pdu, oids }: Question): Promise<Varbind[]> {
    const missing = new Set<string>();
    for (;;) {
      const asked = oids.filter((oid) => !missing.has(oid));
      const { errorStatus, errorIndex, varbinds } =
        asked.length === 0 ? noAnswer : await this.#ask({ pdu, oids: asked });
      const blamed = asked[errorIndex - 1];
      if (this.#options.version === 0 && errorStatus === errorStatuses.noSuchName && blamed !== undefined) {
        missing.add(blamed);
        continue;
      }
      if (errorStatus !== 0) throw this.#faults.refused(errorStatus, blamed ?? oids[0]);
      if (varbinds.length !== asked.length) {
        throw this.#faults.invalid(`it has ${varbinds.length} objects in place of ${asked.length}`, oids[0]);
      }
      const found = varbinds.values();
      return oids.map((oid) => (missing.has(oid) ? { ...absent, oid } : (found.next().value as Varbind)));
    }
  }

  #ask(question: Question): Promise<SnmpPdu> {
    const { version, community, timeoutMs, retries } = this.#options;
    // nobody who does not see the packets can guess what an answer has to carry
    const id = (crypto.getRandomValues(new Uint32Array(1))[0] as number) >>> 1;
    const bytes = encodeRequest({ ...question, version, community, id });
    const oid = question.oids[0];
    return new Promise<SnmpPdu>((resolve, reject) => {
      const open: OpenQuestion = { resolve, timer: undefined };
      this.#open.set(id, open);
      const fail = (reason: Error) => {
        this.#open.delete(id);
        this.#gate.forget(id);
        reject(reason);
      };
      const attempt = (triesLeft: number): void => {
        if (triesLeft === 0) {
          fail(this.#faults.timeout(oid, this.#gate));
          return;
        }
        try {
          this.#gate.send(bytes, id);
          open.timer = setTimeout(attempt, timeoutMs, triesLeft - 1);
        } catch (caught) {
          fail(this.#faults.unsent(caught, oid));
        }
      };
      attempt(retries + 1);
    });
  }
}

const noAnswer: Pick<SnmpPdu, "errorStatus" | "errorIndex" | "varbinds"> = {
  errorStatus: 0,
  errorIndex: 0,
  varbinds: [],
};
const absent = { value: { type: "absent" }, isEnd: true } as const;
