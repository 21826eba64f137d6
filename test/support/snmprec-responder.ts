// Answers SNMP v2c over UDP out of recordings in the snmprec format (OID|TAG|VALUE), as snmpsim does.
//   bun test/support/snmprec-responder.ts FILE.snmprec...   one port each, printed as a JSON array; each line of its
//   input is answered with the requests answered so far and the CPU time taken; ends with its input
import { createSocket, type Socket } from "node:dgram";
import { readFileSync } from "node:fs";
import {
  type EncodedVarbind,
  element,
  integer,
  octets,
  oid,
  type ParsedRequest,
  parseRequest,
  sequence,
} from "./ber-writer.ts";

/** What fits into one answer. */
const answerBytesMax = 60_000;
const endOfMibView = element(0x82);
const noSuchInstance = element(0x81);

interface RecordedObject extends EncodedVarbind {
  readonly parts: readonly number[];
  /** The whole varbind, encoded once. */
  readonly encoded: Uint8Array;
}

function compareParts(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length && i < b.length; i += 1) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** The text of a value, as bytes; `4e` escapes like a C string. */
function bytesOf(tag: string, value: string): Buffer {
  if (tag.endsWith("x")) return Buffer.from(value, "hex");
  if (!tag.endsWith("e")) return Buffer.from(value, "latin1");
  const named: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };
  const text = value.replace(/\\(x[0-9a-fA-F]{2}|.)/g, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (named[code] ?? code),
  );
  return Buffer.from(text, "latin1");
}

function encode(tag: string, value: string): Uint8Array {
  const number = Number.parseInt(tag, 10);
  if (number === 4 || number === 68) return octets(bytesOf(tag, value), number);
  if (number === 5) return element(5);
  if (number === 6) return oid(value.replace(/^\./, ""));
  if (number !== 64) return integer(BigInt(value || "0"), number);
  return octets(tag === "64x" ? Buffer.from(value, "hex") : Uint8Array.from(value.split(".").map(Number)), 64);
}

/** One value of a recording: the tag as it is written, and the text behind it. */
export interface RecordedValue {
  readonly tag: string;
  readonly text: string;
}

/** Reads a recording: OID to value, as written. */
export function readRecording(path: string): Map<string, RecordedValue> {
  const found = new Map<string, RecordedValue>();
  for (const line of readFileSync(path, "latin1").split("\n")) {
    const match = /^([0-9.]+)\|([0-9]+[xe]?)\|(.*?)\r?$/.exec(line);
    if (match)
      found.set((match[1] as string).replace(/^\./, ""), { tag: match[2] as string, text: match[3] as string });
  }
  return found;
}

/** A request in its parts: elements that its answer repeats, and all that tells questions apart. */
function frameOf(bytes: Buffer) {
  const contentOf = (at: number) => at + 2 + ((bytes[at + 1] as number) & 0x80 ? (bytes[at + 1] as number) & 0x7f : 0);
  const behind = (at: number) => at + 2 + (bytes[at + 1] as number);
  const start = contentOf(0);
  const name = behind(start);
  const pdu = behind(name);
  const id = contentOf(pdu);
  return {
    version: bytes.subarray(start, name),
    community: bytes.subarray(name, pdu),
    id: bytes.subarray(id, behind(id)),
    question: `${bytes[pdu]} ${bytes.toString("latin1", behind(id))}`,
  };
}

/** An agent that has what a recording has. */
export class SnmprecResponder {
  readonly #objects: readonly RecordedObject[];
  readonly #byOid: ReadonlyMap<string, RecordedObject>;
  /** What follows each object. */
  readonly #successors: ReadonlyMap<string, EncodedVarbind>;
  readonly #socket: Socket;
  /** Bodies of answers behind the request id, by the question without its id: a device is asked the same each round. */
  readonly #bodies = new Map<string, Uint8Array>();
  /** Requests answered. */
  requests = 0;

  private constructor(objects: readonly RecordedObject[]) {
    this.#objects = objects;
    this.#byOid = new Map(objects.map((object) => [object.oid, object]));
    this.#successors = new Map(
      objects.map(({ oid: name }, i) => [name, objects[i + 1] ?? { oid: name, value: endOfMibView }]),
    );
    this.#socket = createSocket("udp4");
    this.#socket.on("message", (bytes, from) => {
      this.requests += 1;
      const answer = this.#answer(bytes);
      if (answer) this.#socket.send(answer, from.port, from.address);
    });
  }

  /** Listens on a free port of loopback. */
  static async open(path: string): Promise<SnmprecResponder> {
    const objects = [...readRecording(path)]
      .map(([name, { tag, text }]) => {
        const value = encode(tag, text);
        const encoded = sequence(oid(name), value);
        return { oid: name, parts: name.split(".").map(Number), value, encoded };
      })
      .sort((a, b) => compareParts(a.parts, b.parts));
    const responder = new SnmprecResponder(objects);
    await new Promise<void>((ready) => responder.#socket.bind(0, "127.0.0.1", ready));
    return responder;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  close(): void {
    this.#socket.close();
  }

  #answer(bytes: Buffer): Uint8Array | undefined {
    const { version, community, id, question } = frameOf(bytes);
    let body = this.#bodies.get(question);
    if (body === undefined) {
      const found = this.#find(parseRequest(bytes));
      if (found === undefined) return undefined;
      const list = found.map(({ encoded, oid: name, value }) => encoded ?? sequence(oid(name), value));
      body = Buffer.concat([integer(0), integer(0), sequence(...list)]);
      this.#bodies.set(question, body);
    }
    return sequence(version, community, element(0xa2, id, body));
  }

  #find({ pdu, nonRepeaters, repetitions, oids }: ParsedRequest): EncodedVarbind[] | undefined {
    if (pdu === 0xa0) return oids.map((name) => this.#byOid.get(name) ?? { oid: name, value: noSuchInstance });
    if (pdu === 0xa1) return oids.map((name) => this.#next(name));
    return pdu === 0xa5 ? this.#bulk(oids, nonRepeaters, repetitions) : undefined;
  }

  #bulk(oids: readonly string[], single: number, repetitions: number): EncodedVarbind[] {
    const found: EncodedVarbind[] = oids.slice(0, single).map((name) => this.#next(name));
    let bytes = 0;
    let row = oids.slice(single);
    for (let i = 0; i < repetitions && bytes < answerBytesMax; i += 1) {
      const next = row.map((name) => this.#next(name));
      found.push(...next);
      bytes += next.reduce((sum, { oid: name, value }) => sum + name.length + value.length, 0);
      if (next.every(({ value }) => value === endOfMibView)) break;
      row = next.map(({ oid: name }) => name);
    }
    return found;
  }

  /** The first object behind an OID, by binary search. */
  #next(name: string): EncodedVarbind {
    const known = this.#successors.get(name);
    if (known) return known;
    const parts = name.split(".").map(Number);
    let low = 0;
    let high = this.#objects.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareParts((this.#objects[middle] as RecordedObject).parts, parts) <= 0) low = middle + 1;
      else high = middle;
    }
    return this.#objects[low] ?? { oid: name, value: endOfMibView };
  }
}

if (import.meta.main) {
  const responders = await Promise.all(process.argv.slice(2).map((path) => SnmprecResponder.open(path)));
  process.stdout.write(`${JSON.stringify(responders.map(({ port }) => port))}\n`);
  for await (const _ of console) {
    const { user, system } = process.cpuUsage();
    const requests = responders.reduce((sum, responder) => sum + responder.requests, 0);
    process.stdout.write(`${JSON.stringify({ requests, cpuMs: (user + system) / 1000 })}\n`);
  }
  for (const responder of responders) responder.close();
}
