import "reflect-metadata";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect as connectTcp, createServer, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { PemConverter, X509Certificate, X509CertificateGenerator } from "@peculiar/x509";
import { systemClock } from "../../src/core/clock.ts";
import { silentObserver } from "../../src/core/observer.ts";
import { createBusServer } from "../../src/transport/index.ts";
import { createTestAuthority, type IssuedCertificate, type TestAuthority } from "../support/certificates.ts";
import { type BusFixture, type BusFixtureOptions, startBus } from "./bus-fixture.ts";
import { framed, Http2Peer } from "./http2-peer.ts";

const dayMs = 86_400_000;
const message = framed(Uint8Array.of(1));

let authority: TestAuthority;
let rogue: TestAuthority;
beforeAll(() => {
  authority = createTestAuthority();
  rogue = createTestAuthority();
});
afterAll(() => {
  authority.remove();
  rogue.remove();
});

async function withBus(options: BusFixtureOptions, run: (bus: BusFixture) => Promise<void>): Promise<void> {
  const bus = await startBus({ authority, ...options });
  try {
    await run(bus);
  } finally {
    await bus.stop();
  }
}

async function until(holds: () => boolean, withinMs = 3_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error("what was waited for did not happen");
    await Bun.sleep(5);
  }
}

/** A client's certificate with a CN that openssl would not write. */
async function withCommonName(name: string): Promise<IssuedCertificate> {
  const like = authority.client("agent-1");
  const der = createPrivateKey(await Bun.file(`${authority.folder}/ca.key`).text()).export({
    type: "pkcs8",
    format: "der",
  });
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: [name] }],
    issuer: new X509Certificate(authority.ca).subject,
    publicKey: new X509Certificate(like.cert).publicKey,
    signingKey: await crypto.subtle.importKey("pkcs8", new Uint8Array(der), algorithm, false, ["sign"]),
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + dayMs),
  });
  return { ...like, cert: PemConverter.encode(certificate.rawData, "CERTIFICATE") };
}

/** What becomes of one call with a certificate: refused in the handshake, or answered with a gRPC status. */
async function attempt(bus: BusFixture, certificate: IssuedCertificate): Promise<number | "refused"> {
  const { ca } = authority;
  const peer = await Http2Peer.open(bus, { ...certificate, ca }).catch(() => undefined);
  if (!peer) return "refused";
  const { status } = await peer.call(message);
  peer.close();
  return status ?? "refused";
}

describe("certificates", () => {
  const unauthenticated = 16;
  const past = () => ({ notBefore: new Date(Date.now() - 3 * dayMs), notAfter: new Date(Date.now() - dayMs) });
  const future = () => ({ notBefore: new Date(Date.now() + dayMs), notAfter: new Date(Date.now() + 3 * dayMs) });
  const none = (): IssuedCertificate => ({ ...authority.client("agent-1"), cert: "", key: "" });

  const refusedByTls: [string, string, () => IssuedCertificate][] = [
    ["none", "no_certificate", none],
    ["another authority's with the same names", "untrusted", () => rogue.client("agent-1")],
    ["self-signed", "untrusted", () => authority.issue({ subject: "/CN=agent-1", selfSigned: true })],
    ["expired", "expired", () => authority.issue({ subject: "/CN=agent-1", ...past() })],
    ["not yet valid", "not_yet_valid", () => authority.issue({ subject: "/CN=agent-1", ...future() })],
    ["a server's", "wrong_use", () => authority.issue({ subject: "/CN=agent-1", use: "server" })],
  ];

  test.each(refusedByTls)("the handshake refuses: %s", (_, reason, issue) =>
    withBus({}, async (bus) => {
      const certificate = issue();
      for (let i = 0; i < 5; i += 1) expect(await attempt(bus, certificate)).toBe("refused");
      expect(bus.handled).toHaveLength(0);
      expect(bus.observer.counted("amoskys_bus_peers_refused_total", reason)).toBe(5);
    }),
  );

  const refusedByFacts: [string, string, () => IssuedCertificate | Promise<IssuedCertificate>][] = [
    ["one that says it is an authority's", "wrong_use", () => authority.issue({ subject: "/CN=a", authority: true })],
    ["the authority's own", "wrong_use", () => ownCertificate(authority)],
    ["two CNs", "no_single_name", () => authority.issue({ subject: "/CN=agent-1/CN=admin" })],
    ["no CN", "no_single_name", () => authority.issue({ subject: "/O=agent-1" })],
    ["an empty CN", "no_single_name", () => withCommonName("")],
    ["a CN with a path", "no_single_name", () => authority.issue({ subject: "/CN=..\\/agent-1" })],
    ["a CN of two dots", "no_single_name", () => authority.issue({ subject: "/CN=.." })],
    ["a CN with a line break", "no_single_name", () => authority.issue({ subject: "/CN=agent-1\n" })],
    ["a CN with a zero byte", "no_single_name", () => withCommonName("agent-1\u0000.evil")],
    ["a CN that only looks right", "no_single_name", () => authority.issue({ subject: "/CN=аgent-1" })],
    ["a CN of 65 characters", "no_single_name", () => withCommonName("a".repeat(65))],
  ];

  test.each(refusedByFacts)("no handler is reached by: %s", (_, reason, issue) =>
    withBus({}, async (bus) => {
      const certificate = await issue();
      for (let i = 0; i < 3; i += 1) expect(await attempt(bus, certificate)).toBe(unauthenticated);
      const peer = await Http2Peer.open(bus, certificate);
      for (const path of ["/messaging.UniversalEventBus/GetHealth", "/amoskys.v1.Bus/Subscribe", "/x"]) {
        expect((await peer.call(message, { ":path": path })).status).toBe(unauthenticated);
      }
      peer.close();
      expect([bus.handled.length, bus.served.length]).toEqual([0, 0]);
      expect(bus.observer.counted("amoskys_bus_peers_refused_total", reason)).toBe(6);
    }),
  );

  test.each([
    ["for clients", () => authority.client("agent-1")],
    ["for clients and servers", () => authority.issue({ subject: "/CN=agent-1", use: "both" })],
    ["without a use, as old ones are", () => authority.issue({ subject: "/CN=agent-1", use: "none" })],
    ["with a CN of 64 characters", () => authority.client("a".repeat(64))],
  ] as const)("are accepted: one %s", (_, issue) =>
    withBus({}, async (bus) => {
      expect(await attempt(bus, issue())).toBe(0);
      expect(bus.handled[0]?.peer.clientUse).toBe(true);
    }),
  );

  test("facts are those of the certificate", () =>
    withBus({}, async (bus) => {
      expect(await attempt(bus, bus.certificate)).toBe(0);
      const facts = new X509Certificate(bus.certificate.cert);
      const digest = Buffer.from(await facts.getThumbprint("SHA-256")).toString("hex");
      expect(bus.handled[0]?.peer).toEqual({
        name: "agent-1",
        address: "127.0.0.1",
        fingerprint: (digest.match(/../g) as string[]).join(":").toUpperCase(),
        notBeforeMs: facts.notBefore.getTime(),
        notAfterMs: facts.notAfter.getTime(),
        clientUse: true,
      });
    }));

  test("on a revocation list are refused, and so are those that come onto it", () => {
    const first = authority.client("first");
    const second = authority.client("second");
    return withBus({ crl: authority.revoke(first) }, async (bus) => {
      expect(await attempt(bus, first)).toBe("refused");
      expect(await attempt(bus, second)).toBe(0);
      bus.server.setTls(authority.server(), authority.revoke(second));
      expect(await attempt(bus, second)).toBe("refused");
      expect(bus.observer.counted("amoskys_bus_peers_refused_total", "revoked")).toBe(2);
      // without a list the one in force stays
      bus.server.setTls(authority.server());
      expect(await attempt(bus, second)).toBe("refused");
    });
  });
});

function ownCertificate(of: TestAuthority): IssuedCertificate {
  const keyPath = `${of.folder}/ca.key`;
  return { ca: of.ca, cert: of.ca, certPath: of.caPath, keyPath, key: readFileSync(keyPath, "utf8") };
}

describe("TLS", () => {
  /** Connects, waits a while, and answers what was agreed on. */
  function handshake(
    port: number,
    options: object,
  ): Promise<{
    protocol?: string | null;
    alpn?: string | false | null;
    session?: Buffer;
    error?: string;
    closed: boolean;
  }> {
    return new Promise((resolve) => {
      let session: Buffer | undefined;
      let error: string | undefined;
      const socket = connectTls({
        host: "127.0.0.1",
        port,
        servername: "localhost",
        ALPNProtocols: ["h2"],
        ...options,
      });
      socket.on("session", (ticket) => {
        session = ticket;
      });
      socket.on("error", (caught: NodeJS.ErrnoException) => {
        error = caught.code;
      });
      setTimeout(() => {
        resolve({
          protocol: socket.getProtocol(),
          alpn: socket.alpnProtocol,
          session,
          error,
          closed: socket.destroyed,
        });
        socket.destroy();
      }, 150);
    });
  }

  test("is 1.3 with h2, nothing else, and hands out no ticket to resume with", () =>
    withBus({}, async (bus) => {
      const { ca, cert, key } = bus.certificate;
      const good = await handshake(bus.port, { ca, cert, key });
      expect(good).toMatchObject({ protocol: "TLSv1.3", alpn: "h2", session: undefined, closed: false });
      expect((await handshake(bus.port, { ca, cert, key, maxVersion: "TLSv1.2" })).error).toContain("PROTOCOL_VERSION");
      const old = await handshake(bus.port, { ca, cert, key, ALPNProtocols: ["http/1.1"] });
      expect(old.error).toContain("NO_APPLICATION_PROTOCOL");
      const bare = await handshake(bus.port, { ca, cert, key, ALPNProtocols: undefined });
      expect(bare.closed).toBe(true);
      expect(bus.observer.counted("amoskys_bus_handshake_failures_total", "protocol")).toBe(3);
    }));

  test("takes new material live: another authority in, the old one out, open connections stay", () =>
    withBus({}, async (bus) => {
      const open = await Http2Peer.open(bus);
      const newcomer = { ...rogue.client("agent-2") };
      expect(await attempt(bus, newcomer)).toBe("refused");
      bus.server.setTls({ ...rogue.server(), ca: authority.ca + rogue.ca });
      const peer = await Http2Peer.open(bus, newcomer);
      expect((await peer.call(message)).status).toBe(0);
      expect((await open.call(message)).status).toBe(0);
      bus.server.setTls({ ...rogue.server() });
      await expect(Http2Peer.open(bus, { ...bus.certificate, ca: rogue.ca })).rejects.toThrow();
      expect((await peer.call(message)).status).toBe(0);
      open.close();
      peer.close();
    }));

  test("that cannot be used is refused at once, and what was in force stays", () =>
    withBus({}, async (bus) => {
      const { ca, cert } = bus.certificate;
      const { key } = authority.client("other");
      expect(() => bus.server.setTls({ ca, cert, key })).toThrow(expect.objectContaining({ code: "identity_invalid" }));
      expect(() => bus.server.setTls({ ca, cert: "nonsense", key })).toThrow(/certificate, key or authority/);
      expect(await attempt(bus, bus.certificate)).toBe(0);
    }));
});

/** A connection that says nothing. */
function tcp(port: number): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, "127.0.0.1", () => resolve(socket));
    socket.on("error", () => {});
    socket.resume();
  });
}

describe("limits", () => {
  test("on the handshake: 300 that never end are closed, and a good peer is served meanwhile", () =>
    withBus({ limits: { handshakeMs: 700 } }, async (bus) => {
      const sockets = await Promise.all(Array.from({ length: 300 }, () => tcp(bus.port)));
      for (const [i, socket] of sockets.entries()) if (i % 2) socket.write(Buffer.from([22, 3, 1]));
      const startMs = performance.now();
      expect(await attempt(bus, bus.certificate)).toBe(0);
      expect(performance.now() - startMs).toBeLessThan(500);
      await until(() => sockets.every((socket) => socket.destroyed));
      expect(bus.observer.counted("amoskys_bus_handshake_failures_total", "timeout")).toBe(300);
      expect(await attempt(bus, bus.certificate)).toBe(0);
    }));

  test.each([
    ["in all", { connectionsMax: 3 }, "all"],
    ["per address", { connectionsPerAddressMax: 3 }, "address"],
  ] as const)("on connections %s", (_, limits, reason) =>
    withBus({ limits }, async (bus) => {
      const peers = await Promise.all([1, 2, 3].map(() => Http2Peer.open(bus)));
      expect(await attempt(bus, bus.certificate)).toBe("refused");
      expect(bus.observer.counted("amoskys_bus_connections_refused_total", reason)).toBe(1);
      expect(bus.observer.gauges.get("amoskys_bus_connections")).toBe(3);
      peers[0]?.close();
      await until(() => bus.server.connections() === 2);
      expect(await attempt(bus, bus.certificate)).toBe(0);
      for (const peer of peers) peer.close();
    }),
  );
});

describe("calls that are no calls", () => {
  test.each([
    ["another content type", { "content-type": "application/json" }, { httpStatus: 415 }],
    ["another method", { ":method": "GET" }, { httpStatus: 415 }],
    ["no te: trailers", { te: undefined }, { status: 9 }],
    ["an unknown path", { ":path": "/messaging.EventBus/Nothing" }, { status: 12 }],
  ] as const)("are turned away: %s", (_, headers, expected) =>
    withBus({}, async (bus) => {
      const peer = await Http2Peer.open(bus);
      expect(await peer.call(message, headers)).toMatchObject(expected);
      expect(bus.handled).toHaveLength(0);
      peer.close();
    }),
  );
});

describe("disconnect", () => {
  test("ends the connections of one name, with their calls", () =>
    withBus({ events: () => new Promise(() => {}) }, async (bus) => {
      const stays = await Http2Peer.open(bus, authority.client("agent-2"));
      const goes = await Http2Peer.open(bus);
      const call = goes.call(message);
      await until(() => bus.handled.length === 1);
      bus.server.disconnect("agent-1");
      expect((await call).status).toBeUndefined();
      await until(() => bus.server.connections() === 1);
      expect(bus.handled[0]?.signal.aborted).toBe(true);
      expect(stays.session.destroyed).toBe(false);
      stays.close();
    }));
});

describe("stop", () => {
  test("answers what is in flight, refuses what is new, and ends", async () => {
    const bus = await startBus({ authority, events: () => Bun.sleep(300).then(() => Uint8Array.of(7)) });
    const peer = await Http2Peer.open(bus);
    const call = peer.call(message);
    await until(() => bus.handled.length === 1);
    const startMs = performance.now();
    const stopped = bus.server.stop(5_000);
    await Bun.sleep(20);
    expect(() => peer.session.request({ ":path": "/" })).toThrow();
    await expect(Http2Peer.open(bus)).rejects.toThrow();
    expect((await call).body).toEqual(framed(Uint8Array.of(7)));
    await stopped;
    expect(performance.now() - startMs).toBeLessThan(1_500);
    expect(bus.server.connections()).toBe(0);
    await bus.server.stop(0);
  });

  test("cuts off at the deadline what does not end", async () => {
    const bus = await startBus({ authority, events: () => new Promise(() => {}) });
    const peer = await Http2Peer.open(bus);
    const call = peer.call(message);
    await until(() => bus.handled.length === 1);
    const halfOpen = await tcp(bus.port);
    const startMs = performance.now();
    await bus.server.stop(200);
    expect(performance.now() - startMs).toBeLessThan(600);
    expect((await call).status).toBeUndefined();
    await until(() => halfOpen.destroyed && bus.server.connections() === 0);
  });

  test("is safe without a start", async () => {
    const events = async () => new Uint8Array();
    const services = { getHealth: async () => ({}), getStatus: async () => ({}), async *subscribe() {} };
    const server = createBusServer({
      host: "127.0.0.1",
      port: 0,
      tls: authority.server(),
      events,
      services,
      observer: silentObserver,
      clock: systemClock,
    });
    await server.stop(0);
    expect(server.port).toBe(0);
  });
});

describe("start", () => {
  test("on a port in use says who holds it", () =>
    withBus({}, async (bus) => {
      await expect(startBus({ authority, port: bus.port })).rejects.toMatchObject({
        code: "port_in_use",
        message: expect.stringContaining(`127.0.0.1:${bus.port}: the port is in use by`),
        details: { port: bus.port, holder: { pid: process.pid } },
      });
    }));

  test("on a port that a plain server holds fails the same way", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as { port: number };
    await expect(startBus({ authority, port })).rejects.toMatchObject({ code: "port_in_use" });
    other.close();
  });
});
