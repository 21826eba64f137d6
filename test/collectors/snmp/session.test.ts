import { afterEach, describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import type { SnmpAccess } from "../../../src/collectors/snmp/config.ts";
import { openSession, type SnmpSession } from "../../../src/collectors/snmp/session.ts";
import { textOf } from "../../../src/collectors/snmp/values.ts";
import { Secret } from "../../../src/config/index.ts";
import { AmoskysError } from "../../../src/core/errors.ts";
import { element, integer, octets, oid, type ParsedRequest, response, sequence } from "../../support/ber-writer.ts";
import { countSockets } from "./count-sockets.ts";
import { type Answer, HostileAgent } from "./hostile-agent.ts";

const community = "s3cret-community";
const sysDescr = "1.3.6.1.2.1.1.1.0";
const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

interface Try {
  readonly session: SnmpSession;
  readonly agent: HostileAgent;
  readonly discards: string[];
}

async function ask(
  answer: Answer,
  {
    access,
    stranger,
    timeoutMs = 60,
  }: { access?: SnmpAccess; stranger?: { address: string }; timeoutMs?: number } = {},
): Promise<Try> {
  const agent = await HostileAgent.open(answer, stranger);
  const discards: string[] = [];
  const session = await openSession({
    address: "127.0.0.1",
    family: 4,
    port: agent.port,
    access: access ?? { version: "2c", community: new Secret(community) },
    timeoutMs,
    retries: 1,
    onDiscard: (reason) => discards.push(reason),
  });
  open.push(agent, session);
  return { session, agent, discards };
}

async function errorOf(promise: Promise<unknown>): Promise<AmoskysError> {
  const caught = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(caught instanceof AmoskysError)) throw new Error(`not a typed error: ${caught}`);
  return caught;
}

const right = ({ requestId }: ParsedRequest) =>
  response(community, requestId, [{ oid: sysDescr, value: octets("a device") }]);

/** The right answer with one byte another. */
function changed(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = value;
  return copy;
}

describe("an SNMP session", () => {
  test("reads every type of value", async () => {
    const values = [
      integer(-5),
      octets("text"),
      element(5),
      oid("1.3.6.1.4.1.9"),
      octets(Uint8Array.of(10, 0, 0, 1), 64),
      integer(4_294_967_295, 65),
      integer(4_000_000_000, 66),
      integer(123, 67),
      integer(18_446_744_073_709_551_615n, 70),
      octets(Uint8Array.of(0x9f, 0x78, 0x04, 0x3f, 0x80, 0, 0), 68),
      element(128),
    ];
    const oids = values.map((_, i) => `1.3.6.1.9.${i}`);
    const { session } = await ask(({ requestId, oids: asked }) => [
      response(
        community,
        requestId,
        asked.map((name, i) => ({ oid: name, value: values[i] as Uint8Array })),
      ),
    ]);
    const found = await session.get(oids);
    expect(found.map(({ value }) => value)).toEqual([
      { type: "number", number: -5 },
      { type: "octets", octets: new Uint8Array(Buffer.from("text")) },
      { type: "absent" },
      { type: "text", text: "1.3.6.1.4.1.9" },
      { type: "text", text: "10.0.0.1" },
      { type: "number", number: 4_294_967_295 },
      { type: "number", number: 4_000_000_000 },
      { type: "number", number: 123 },
      { type: "counter64", count: 18_446_744_073_709_551_615n },
      { type: "number", number: 1 },
      { type: "absent" },
    ]);
  });

  test.each<[string, string, (request: ParsedRequest) => Uint8Array]>([
    ["a length beyond the message", "malformed", (r) => changed(right(r), 1, 0x7f)],
    ["a length short of the message", "malformed", (r) => changed(right(r), 1, 0x08)],
    ["an indefinite length", "malformed", (r) => changed(right(r), 1, 0x80)],
    [
      "a length of four gigabytes",
      "malformed",
      (r) => Buffer.concat([Buffer.from([0x30, 0x84, 255, 255, 255, 255]), right(r)]),
    ],
    ["a truncated answer", "malformed", (r) => right(r).subarray(0, 20)],
    ["an empty datagram", "malformed", () => Buffer.alloc(0)],
    ["bytes that are no BER", "malformed", () => Buffer.from("HTTP/1.1 400 Bad Request")],
    ["nesting without end", "malformed", () => Buffer.alloc(60_000, 0x30)],
    [
      "a value of no type",
      "malformed",
      ({ requestId }) => response(community, requestId, [{ oid: sysDescr, value: element(0x13, Buffer.from("x")) }]),
    ],
    [
      "an integer of nine bytes",
      "malformed",
      ({ requestId }) => response(community, requestId, [{ oid: sysDescr, value: element(2, Buffer.alloc(9, 1)) }]),
    ],
    [
      "an OID that breaks off",
      "malformed",
      ({ requestId }) =>
        sequence(
          integer(1),
          octets(community),
          element(
            0xa2,
            integer(requestId),
            integer(0),
            integer(0),
            sequence(sequence(element(6, Buffer.of(0x2b, 0x86)), integer(1))),
          ),
        ),
    ],
    [
      "an OID with a number beyond 32 bits",
      "malformed",
      ({ requestId }) => response(community, requestId, [{ oid: `${sysDescr}.4294967296`, value: integer(1) }]),
    ],
    ["a request as the answer", "malformed", ({ requestId }) => response(community, requestId, [], { pdu: 0xa0 })],
    ["another request id", "unexpected", (r) => right({ ...r, requestId: r.requestId + 1 })],
    [
      "another community",
      "community",
      ({ requestId }) => response("public", requestId, [{ oid: sysDescr, value: integer(1) }]),
    ],
    [
      "version 1",
      "version",
      ({ requestId }) => response(community, requestId, [{ oid: sysDescr, value: integer(1) }], { version: 0 }),
    ],
  ])("drops %s, and says so with the OID", async (_what, reason, answer) => {
    const { session, agent, discards } = await ask((request) => [answer(request)]);
    const error = await errorOf(session.get([sysDescr]));
    expect(error).toMatchObject({ code: "answer_invalid", details: { oid: sysDescr } });
    expect(error.message).toContain(sysDescr);
    expect(discards).toEqual([reason, reason]);
    expect(agent.requests).toBe(2);
  });

  test.each([{ address: "127.0.0.1" }, { address: "127.0.0.2" }])(
    "an answer from elsewhere (%p) is none",
    async (stranger) => {
      const { session, discards } = await ask((request) => [right(request)], { stranger });
      expect((await errorOf(session.get([sysDescr]))).code).toBe("answer_invalid");
      expect(discards).toEqual(["source", "source"]);
    },
  );

  test("a right answer counts, whatever came before it", async () => {
    const { session, discards } = await ask((request) => [
      Buffer.from("junk"),
      right({ ...request, requestId: 7 }),
      right(request),
    ]);
    const [found] = await session.get([sysDescr]);
    expect(textOf(found?.value)).toBe("a device");
    expect(discards).toEqual(["malformed", "unexpected"]);
  });

  test("a message of v3 that wants its signature checked does not break a session of v2c", async () => {
    const header = sequence(integer(1), integer(65_507), octets(Uint8Array.of(1)), integer(3));
    const security = octets(
      sequence(octets("engine"), integer(1), integer(1), octets("user"), octets("0123456789ab"), octets("")),
    );
    const { session, discards } = await ask(({ requestId }) => {
      const pdu = element(0xa2, integer(requestId), integer(0), integer(0), sequence());
      return [sequence(integer(3), header, security, sequence(octets("engine"), octets(""), pdu))];
    });
    expect((await errorOf(session.get([sysDescr]))).code).toBe("answer_invalid");
    expect(discards).toEqual(["version", "version"]);
  });

  test("an unsigned answer to a signed question is none", async () => {
    // the library itself would take it: it checks what claims to be signed, and nothing else
    const { session, discards } = await askSecured((id, asked) => {
      if (asked === 1) return report(id, "4");
      return plainMessage(id, 0xa2, sequence(sequence(oid(sysDescr), octets("forged"))), "u");
    });
    expect((await errorOf(session.get([sysDescr]))).code).toBe("answer_invalid");
    expect(discards).toEqual(["security"]);
  });

  // usmStats of RFC 3414, 5
  test.each([
    ["1", "unsupported security level", /compare user\.auth and user\.priv with the device's/],
    ["2", "not in its time window", /the next round asks it/],
    ["3", "unknown user name", /create the user on the device/],
    ["5", "wrong digest", /compare user\.auth and user\.auth_password/],
    ["6", "decryption error", /compare user\.priv and user\.priv_password/],
  ])("SNMPv3: a report of usmStats.%s is said as %s, with what to do", async (stat, what, hint) => {
    const { session, agent } = await askSecured((id, asked) => report(id, asked === 1 ? "4" : stat));
    const error = await errorOf(session.get([sysDescr]));
    expect(error.code).toBe("identity_refused");
    expect(error.message).toBe(`127.0.0.1:${agent.port} refuses the SNMPv3 user: ${what}`);
    expect(error.hint).toMatch(hint);
  });

  test.each<[string, bigint, bigint]>([
    ["engine boots of -5", -5n, 1n],
    ["engine time of 549755813887", 1n, 2n ** 39n - 1n],
  ])("SNMPv3: %s is what the device says wrongly, and no fault of this host", async (what, boots, time) => {
    const { session } = await askSecured((id) => report(id, "4", boots, time));
    const error = await errorOf(session.get([sysDescr]));
    expect(error.code).toBe("answer_invalid");
    expect(error.message).toContain(what);
  });

  test("nobody listens on the port: a timeout that says so", async () => {
    const { session, agent } = await ask(() => []);
    agent.close();
    open.splice(0, 2, session);
    // the refusal of the first packet is told at the second, which is a question of its own
    for (const error of await Promise.all([1, 2].map(() => errorOf(session.get([sysDescr]))))) {
      expect(error.code).toBe("timeout");
      expect(error.message).toEndWith(": nothing listens on that port");
    }
  });

  test("SNMP v1: what is not there is left out, and the rest is asked for again", async () => {
    const name = (index: number) => `1.3.6.1.2.1.1.${index}.0`;
    const { session, agent } = await ask(
      ({ requestId, oids }) => {
        const missing = oids.findIndex((asked) => asked === name(2) || asked === name(4));
        const found = oids.map((asked) => ({ oid: asked, value: integer(Number(asked.split(".").at(-2))) }));
        const blame = missing < 0 ? {} : { errorStatus: 2, errorIndex: missing + 1 };
        return [response(community, requestId, found, { version: 0, ...blame })];
      },
      { access: { version: "1", community: new Secret(community) } },
    );
    const found = await session.get([1, 2, 3, 4].map(name));
    expect(found.map(({ oid: asked, value }) => [asked, value.type === "number" ? value.number : value.type])).toEqual([
      [name(1), 1],
      [name(2), "absent"],
      [name(3), 3],
      [name(4), "absent"],
    ]);
    expect(agent.requests).toBe(3);
  });

  test("SNMP v1: an agent that blames what was not asked for is not asked without end", async () => {
    const { session, agent } = await ask(
      ({ requestId }) => [response(community, requestId, [], { version: 0, errorStatus: 2, errorIndex: 9 })],
      { access: { version: "1", community: new Secret(community) } },
    );
    expect((await errorOf(session.get([sysDescr]))).message).toContain("error status 2 (no such name)");
    expect(agent.requests).toBe(1);
  });

  test("an answer for other objects is refused", async () => {
    const { session } = await ask(({ requestId }) => [
      response(community, requestId, [{ oid: "1.3.6.1.2.1.1.5.0", value: integer(1) }]),
    ]);
    const error = await errorOf(session.get([sysDescr]));
    expect(error).toMatchObject({ code: "answer_invalid", details: { oid: sysDescr } });
  });

  test("a string of 64 KiB is read and cut", async () => {
    const { session } = await ask(({ requestId }) => [
      response(community, requestId, [{ oid: sysDescr, value: octets("x".repeat(65_000)) }]),
    ]);
    const [found] = await session.get([sysDescr]);
    expect(textOf(found?.value)).toBe("x".repeat(255));
    expect(found?.value).toMatchObject({ octets: { length: 255 } });
  });

  test("a silent device: a timeout that names the OID, after all tries", async () => {
    const { session, agent } = await ask(() => []);
    const error = await errorOf(session.get([sysDescr]));
    expect(error.code).toBe("timeout");
    expect(error.message).toBe(`127.0.0.1:${agent.port} did not answer within 120 ms when asked for ${sysDescr}`);
    expect(agent.requests).toBe(2);
  });

  test("closing fails what is open and what waits, at once, and frees the sockets", async () => {
    const before = countSockets();
    const { session, agent } = await ask(() => []);
    const reason = new AmoskysError("timeout", "too late");
    const asked = Array.from({ length: 9 }, () => session.get([sysDescr]));
    await Bun.sleep(10);
    session.close(reason);
    const ends = await Promise.allSettled(asked);
    expect(ends).toEqual(asked.map(() => ({ status: "rejected", reason })));
    expect(await errorOf(session.get([sysDescr]))).toBe(reason);
    session.close();
    agent.close();
    open.splice(0);
    await Bun.sleep(10);
    expect(countSockets()).toBe(before);
  });

  test("closing before the packet is out fails the question at once", async () => {
    // the library knows nothing of the question yet, and would come back to it after its timeout
    const { session } = await ask(() => [], { timeoutMs: 60_000 });
    const reason = new AmoskysError("timeout", "too late");
    const asked = errorOf(session.get([sysDescr]));
    session.close(reason);
    expect(await asked).toBe(reason);
  });

  test("no more than four questions are open at once", async () => {
    const held: ParsedRequest[] = [];
    const { session, agent } = await ask((request) => {
      held.push(request);
      return [];
    });
    const asked = Array.from({ length: 9 }, (_, i) => session.get([`1.3.6.1.2.1.1.${i + 1}.0`]));
    await Bun.sleep(30);
    expect(agent.requests).toBe(4);
    session.close();
    await Promise.allSettled(asked);
  });

  test("no error has the community in it, whatever the agent sends", async () => {
    const { session } = await ask(({ requestId }) => [response(`${community}2`, requestId, [])]);
    const error = await errorOf(session.get([sysDescr]));
    const shown = [error.message, error.stack, error.hint, JSON.stringify(error), Bun.inspect(error)].join("\n");
    expect(shown).not.toContain(community);
  });
});

/** A message of v3 that is not secured. */
function plainMessage(id: Uint8Array, pdu: number, varbinds: Uint8Array, name: string, boots = 1n, time = 1n): Buffer {
  const header = sequence(id, integer(65_507), octets(Uint8Array.of(0)), integer(3));
  const security = octets(
    sequence(octets("engine123"), integer(boots), integer(time), octets(name), octets(""), octets("")),
  );
  const body = element(pdu, integer(1), integer(0), integer(0), varbinds);
  return sequence(integer(3), header, security, sequence(octets("engine123"), octets(""), body));
}

/** The report of one of usmStats; 4 tells the engine. */
function report(id: Uint8Array, stat: string, boots?: bigint, time?: bigint): Buffer {
  const varbinds = sequence(sequence(oid(`1.3.6.1.6.3.15.1.1.${stat}.0`), integer(1, 65)));
  return plainMessage(id, 0xa8, varbinds, "", boots, time);
}

/** A session of a user with a signature, with an agent that answers what a test makes of msgID and turn. */
async function askSecured(answer: (msgId: Buffer, asked: number) => Uint8Array) {
  let asked = 0;
  const agent = await openSecured((id) => {
    asked += 1;
    return answer(id, asked);
  });
  const discards: string[] = [];
  const user = { name: "u", auth: "sha" as const, auth_password: new Secret("authpass123"), context: "" };
  const session = await openSession({
    address: "127.0.0.1",
    family: 4,
    port: agent.port,
    access: { version: "3", user },
    timeoutMs: 100,
    retries: 0,
    onDiscard: (reason) => discards.push(reason),
  });
  open.push(agent, session);
  return { session, agent, discards };
}

/** Answers v3 messages: what it makes of the msgID, which stands at a fixed place in the header. */
async function openSecured(answer: (msgId: Buffer) => Uint8Array): Promise<{ port: number; close(): void }> {
  const socket = createSocket("udp4");
  socket.on("message", (bytes: Buffer, from: { port: number; address: string }) => {
    const at = bytes.indexOf(Buffer.from([0x02, 0x01, 0x03, 0x30])) + 5;
    socket.send(answer(bytes.subarray(at, at + 2 + (bytes[at + 1] as number))), from.port, from.address);
  });
  await new Promise<void>((ready) => socket.bind(0, "127.0.0.1", () => ready()));
  return { port: socket.address().port, close: () => socket.close() };
}
