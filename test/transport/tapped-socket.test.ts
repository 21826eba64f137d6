import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Server, type TLSSocket } from "node:tls";
import { TappedSocket } from "../../src/transport/tapped-socket.ts";
import { createTestAuthority, type TestAuthority } from "../support/certificates.ts";
import { settled } from "./raw-peer.ts";

let authority: TestAuthority;
let server: Server;
let peer: TLSSocket;
let tapped: TappedSocket;
const seen: Buffer[] = [];

beforeAll(() => {
  authority = createTestAuthority();
});
afterAll(() => authority.remove());

/** Both ends of a TLS connection; the server's is tapped. */
async function connectBoth(look: (chunk: Buffer) => boolean = () => true): Promise<void> {
  seen.length = 0;
  const accepted = Promise.withResolvers<TLSSocket>();
  server = createServer(authority.server(), accepted.resolve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  peer = connect({ port, host: "127.0.0.1", servername: "localhost", ca: authority.ca });
  peer.on("error", () => {});
  tapped = new TappedSocket(await accepted.promise, (chunk) => {
    seen.push(chunk);
    return look(chunk);
  });
  tapped.on("error", () => {});
}
afterEach(() => {
  peer.destroy();
  tapped.destroy();
  server.close();
});

async function until(holds: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 3_000; !holds(); await Bun.sleep(5)) {
    if (performance.now() > endMs) throw new Error("what was waited for did not happen");
  }
}

test("TappedSocket shows every byte that comes, and hands it on", async () => {
  await connectBoth();
  const sent = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) % 256));
  const got: Buffer[] = [];
  tapped.on("data", (chunk: Buffer) => got.push(chunk));
  peer.end(sent);
  await new Promise((resolve) => tapped.once("end", resolve));
  expect(Buffer.concat(got)).toEqual(sent);
  expect(Buffer.concat(seen)).toEqual(sent);
});

test("TappedSocket keeps back what was not liked", async () => {
  await connectBoth((chunk) => !chunk.includes("bad"));
  const got: Buffer[] = [];
  tapped.on("data", (chunk: Buffer) => got.push(chunk));
  for (const text of ["good", "bad", "fine"]) {
    peer.write(text);
    await until(() => seen.some((chunk) => chunk.includes(text)));
  }
  await until(() => got.length === 2);
  expect(Buffer.concat(got).toString()).toBe("goodfine");
});

test("TappedSocket stops reading while nobody takes what came", async () => {
  await connectBoth();
  for (let i = 0; i < 400; i += 1) peer.write(Buffer.alloc(100_000));
  expect(await settled(() => seen.reduce((sum, { length }) => sum + length, 0))).toBeLessThan(4_000_000);
  tapped.resume();
  await until(() => seen.reduce((sum, { length }) => sum + length, 0) === 40_000_000);
});

test("TappedSocket asks its writer to wait for a peer that does not read, and loses nothing", async () => {
  await connectBoth();
  peer.pause();
  let written = 0;
  const chunk = (i: number) => Buffer.alloc(50_000, i % 251);
  const total = 600;
  const write = () => {
    while (written < total) {
      written += 1;
      if (!tapped.write(chunk(written))) {
        tapped.once("drain", write);
        return;
      }
    }
    tapped.end();
  };
  write();
  expect(await settled(() => written)).toBeLessThan(total);
  const got: Buffer[] = [];
  peer.on("data", (bytes: Buffer) => got.push(bytes));
  peer.resume();
  await new Promise((resolve) => peer.once("end", resolve));
  const expected = Buffer.concat(Array.from({ length: total }, (_, i) => chunk(i + 1)));
  expect(Buffer.concat(got).equals(expected)).toBe(true);
});

test("TappedSocket ends with its socket, and its socket with it", async () => {
  await connectBoth();
  peer.destroy();
  await until(() => tapped.destroyed);
  await connectBoth();
  tapped.destroy();
  peer.resume();
  await until(() => peer.destroyed);
});
