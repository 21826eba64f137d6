import { describe, expect, test } from "bun:test";
import { identifyService, isNumberedGreeting, type ProbeName, probeOrder } from "../../src/protocols/index.ts";

const text = (value: string) => Buffer.from(value, "latin1");
const mysql = (version: string) => {
  const body = Buffer.concat([Buffer.from([10]), text(`${version}\0`), Buffer.alloc(40, 1)]);
  return Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body]);
};
const hello = Buffer.from(
  `160303003a020000360303${"11".repeat(32)}00130100000e002b0002030400330002001d0000`.padEnd(126, "0"),
  "hex",
);

const known: readonly (readonly [string, Uint8Array, ProbeName | undefined, object])[] = [
  ["ssh", text("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), undefined, { product: "OpenSSH", version: "9.2p1" }],
  ["ssh", text("hello\r\nSSH-1.99-Cisco-1.25\n"), undefined, { product: "Cisco", version: "1.25" }],
  ["http", text("HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n\r\n"), "http", { product: "nginx", version: "1.22.1" }],
  ["http", text("HTTP/1.0 404 Not Found\r\n\r\n"), "tls", { details: { protocol: "1.0", status: "404" } }],
  ["tls", Buffer.from("15030300020228", "hex"), "http", { details: { alert: "40" } }],
  ["tls", hello, "tls", { version: "TLSv1.3", details: { suite: "0x1301" } }],
  [
    "ftp",
    text("220-welcome\r\n220 ProFTPD 1.3.5 Server ready\r\n"),
    undefined,
    { product: "ProFTPD", version: "1.3.5" },
  ],
  ["smtp", text("220 mx ESMTP Exim 4.96 Mon\r\n"), undefined, { product: "Exim", version: "4.96" }],
  ["mysql", mysql("8.0.36"), undefined, { product: "MySQL", version: "8.0.36" }],
  ["mysql", mysql("5.5.5-10.11.6-MariaDB-0"), undefined, { product: "MariaDB", version: "10.11.6" }],
  ["redis", text("$40\r\n# Server\r\nredis_version:7.0.15\r\n"), "redis", { product: "Redis", version: "7.0.15" }],
  ["redis", text("-NOAUTH Authentication required.\r\n"), "redis", { details: { error: "NOAUTH" } }],
  ["postgres", text("S"), "postgres", { details: { tls: "offered" } }],
  ["mqtt", Buffer.from([0x20, 2, 0, 5]), "mqtt", { details: { return_code: "5" } }],
  ["dns", Buffer.from("000c414d80050000000000000000", "hex"), "dns", { details: { rcode: "5" } }],
];

describe("identifyService", () => {
  test.each(known)("%s %p", (service, bytes, probe, facts) => {
    expect(identifyService(bytes, probe)).toMatchObject({ service, complete: true, ...facts });
  });

  test.each(known)(
    "%s: every beginning is answered, and none is complete with another service",
    (service, bytes, probe) => {
      for (let length = 0; length < bytes.length; length += 1) {
        const facts = identifyService(bytes.subarray(0, length), probe);
        if (facts) expect(facts.service).toBe(service as never);
      }
    },
  );

  test("garbage of any length is no service, and texts stay bounded", () => {
    let seed = 7;
    const random = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed >> 8;
    };
    for (let n = 0; n < 3000; n += 1) {
      const bytes = Uint8Array.from({ length: random() % 64 }, () => (random() & 0x7f) | 0x80);
      for (const probe of [undefined, ...probeOrder(80)]) expect(identifyService(bytes, probe)).toBeUndefined();
    }
    const long = identifyService(text(`SSH-2.0-${"\u001b[31m".repeat(3000)}\r\n`));
    expect(long?.product).toMatch(/^[\x20-\x7e]{200}$/);
  });

  test("one byte means PostgreSQL only where PostgreSQL was asked; 220 alone means neither of two", () => {
    expect(identifyService(text("N"), "http")).toBeUndefined();
    expect(identifyService(text("220 welcome\r\n"))).toBeUndefined();
    expect([isNumberedGreeting(text("220 welcome\r\n")), isNumberedGreeting(text("220-wel"))]).toEqual([true, false]);
  });

  test("a TLS server that complains in HTTP is not HTTP", () => {
    const complaint = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    expect(identifyService(text(complaint), "http")).toBeUndefined();
  });

  test("the probe of a port's usual service comes first, and none is left out", () => {
    expect(probeOrder(6379)[0]).toBe("redis");
    expect(probeOrder(6379).toSorted()).toEqual(probeOrder(4242).toSorted());
  });
});
