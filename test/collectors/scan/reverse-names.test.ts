import { afterEach, describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { scanConfigSchema } from "../../../src/collectors/scan/config.ts";
import { checkDnsServer, reverseName } from "../../../src/collectors/scan/reverse-names.ts";

const ended: (() => void)[] = [];
afterEach(() => {
  for (const end of ended.splice(0)) end();
});
const never = new AbortController().signal;

type Answer = (question: Buffer, name: string) => Buffer | readonly Buffer[] | undefined;

/** A DNS server on loopback (RFC 1035, 4.1) that answers as it is told; `ADDRESS:PORT`. */
async function dnsServer(answer: Answer): Promise<{ server: string; asked: string[] }> {
  const asked: string[] = [];
  const socket = createSocket("udp4");
  socket.on("message", (question, from) => {
    const labels: string[] = [];
    for (let at = 12; question[at]; at += 1 + (question[at] as number)) {
      labels.push(question.toString("latin1", at + 1, at + 1 + (question[at] as number)));
    }
    asked.push(labels.join("."));
    for (const message of [answer(question, labels.join(".")) ?? []].flat())
      socket.send(message, from.port, from.address);
  });
  await new Promise<void>((ready) => socket.bind(0, "127.0.0.1", ready));
  ended.push(() => socket.close());
  return { server: `127.0.0.1:${socket.address().port}`, asked };
}

/** An answer to `question` with one PTR record of these bytes as its name. */
function pointer(question: Buffer, name: Buffer): Buffer {
  const head = Buffer.from(question.subarray(0, question.indexOf(0, 12) + 5));
  head.writeUInt16BE(0x8180, 2);
  head.writeUInt16BE(1, 6);
  head.writeUInt16BE(0, 10);
  const record = Buffer.from([0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 60, name.length >> 8, name.length & 255]);
  return Buffer.concat([head, record, name]);
}
function encoded(...labels: string[]): Buffer {
  return Buffer.concat([
    ...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label, "latin1")])),
    Buffer.of(0),
  ]);
}
function patched(message: Buffer, at: number, value: number): Buffer {
  message.writeUInt16BE(value, at);
  return message;
}

describe("reverseName", () => {
  /** For those that answer. */
  const quick = { timeoutMs: 5000, signal: never };
  /** For those that do not: their answer would come late by a factor of ten and more. */
  const hasty = { timeoutMs: 100, signal: never };

  test("asks this server for the name of IPv4 and IPv6 addresses", async () => {
    const { server, asked } = await dnsServer((question) => pointer(question, encoded("printer", "lab")));
    expect(await reverseName("10.1.2.3", { ...quick, server })).toBe("printer.lab");
    expect(await reverseName("fd00::1", { ...quick, server })).toBe("printer.lab");
    expect(asked[0]).toBe("3.2.1.10.in-addr.arpa");
    expect(asked[1]).toBe(`1.${"0.".repeat(29)}d.f.ip6.arpa`);
  });

  test("what a name holds beside printable characters is not handed on", async () => {
    const { server } = await dnsServer((question) =>
      pointer(question, encoded("a\x1b[31mb\n", "caf\xe9", "x".repeat(63))),
    );
    const name = (await reverseName("10.1.2.3", { ...quick, server })) ?? "";
    expect(name).toMatch(/^[\x20-\x7e]*$/);
    expect(name.length).toBeLessThanOrEqual(253);
  });

  const own = Buffer.from([0xc0]);
  test.each<[string, Answer]>([
    ["no such name", (question) => patched(Buffer.from(question), 2, 0x8183)],
    ["a refusal", (question) => patched(Buffer.from(question), 2, 0x8185)],
    ["silence", () => undefined],
    ["another id", (question) => patched(pointer(question, encoded("wrong")), 0, question.readUInt16BE(0) ^ 1)],
    ["another question", (question) => patched(pointer(question, encoded("wrong")), 13, 0x3939)],
    [
      "a name that points at itself",
      (question) => {
        const message = pointer(question, Buffer.concat([own, Buffer.of(0)]));
        return patched(message, message.length - 2, 0xc000 | (message.length - 2));
      },
    ],
    ["a name that points behind the end", (question) => pointer(question, Buffer.of(0xff, 0xff))],
    ["a label longer than the message", (question) => pointer(question, Buffer.of(63, 0x61))],
    ["a record cut short", (question) => pointer(question, encoded("wrong")).subarray(0, -4)],
    ["a header alone", (question) => patched(Buffer.from(question.subarray(0, 12)), 2, 0x8180)],
    ["one byte", () => Buffer.of(0)],
    ["an empty name", (question) => pointer(question, Buffer.of(0))],
    ["noise", () => Array.from({ length: 20 }, (_, n) => Buffer.alloc(40 + n, n * 13))],
  ])("%s is no name, and keeps nobody waiting", async (_what, answer) => {
    const { server } = await dnsServer(answer);
    const asking = reverseName("10.1.2.3", { ...hasty, server });
    expect(await Promise.race([asking, Bun.sleep(3000).then(() => "still waiting")])).toBeUndefined();
  });

  test("an abort ends a wait that would be longer than this test may run; nobody there is no error", async () => {
    const { server } = await dnsServer(() => undefined);
    const stop = new AbortController();
    const asking = reverseName("10.1.2.3", { server, timeoutMs: 600_000, signal: stop.signal });
    stop.abort();
    expect(await asking).toBeUndefined();
    expect(await reverseName("10.1.2.3", { server, timeoutMs: 600_000, signal: stop.signal })).toBeUndefined();
    expect(await reverseName("10.1.2.3", { ...hasty, server: "127.0.0.1:1" })).toBeUndefined();
  });

  test.each(["1.2.3", "999.1.1.1", ":::", "", "name"])("a server %p that is none is no error", async (server) => {
    expect(await reverseName("10.1.2.3", { ...hasty, server })).toBeUndefined();
  });
});

describe("checkDnsServer", () => {
  test.each(["192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "::1", "[2001:db8::53]:53", "[::1]:65535"])(
    "takes %s",
    (text) => expect(() => checkDnsServer(text)).not.toThrow(),
  );

  test.each([
    ...["1.2.3", "999.1.1.1", ":::", "", "name", "192.0.2.53:", "192.0.2.53:0", "192.0.2.53:65536", "192.0.2.53:5:5"],
    ...["[192.0.2.53]:53", "[2001:db8::53]", "[::1]:0", "fe80::1%eth0", "[fe80::1%eth0]:53", " 192.0.2.53"],
  ])("refuses %p, and so does the configuration", (text) => {
    expect(() => checkDnsServer(text)).toThrow("is no address of a DNS server");
    expect(scanConfigSchema.safeParse({ resolver: text }).success).toBe(false);
  });
});
