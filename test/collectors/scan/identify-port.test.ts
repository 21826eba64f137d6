import { afterEach, describe, expect, test } from "bun:test";
import { type Conversation, openConversation } from "../../../src/collectors/scan/conversation.ts";
import { identifyPort } from "../../../src/collectors/scan/identify-port.ts";
import { connections, serve } from "./lab-server.ts";

const servers: { stop(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.stop();
});

/** Looks at one port of a kind; how many connections that took, how many at once, and how long. */
async function look(kind: string, timeoutMs = 300) {
  const server = serve("127.0.0.1", 0, kind);
  servers.push(server);
  const signal = new AbortController().signal;
  const opened: Conversation[] = [];
  let most = 0;
  const startMs = performance.now();
  const reading = await identifyPort({
    address: "127.0.0.1",
    port: server.port,
    timeoutMs,
    random: new Uint8Array(32),
    monotonicMs: () => performance.now(),
    connect: async () => {
      const options = { address: "127.0.0.1", port: server.port, timeoutMs, bytesMax: 4096, signal };
      const conversation = await openConversation(options);
      if (conversation) opened.push(conversation);
      most = Math.max(most, opened.filter(({ ended }) => !ended).length);
      return conversation;
    },
  });
  const tookMs = performance.now() - startMs;
  return { reading, count: opened.length, most, tookMs, left: opened.filter(({ ended }) => !ended).length };
}

describe("identifyPort", () => {
  test.each(["ssh", "http", "smtp", "mysql", "redis", "postgres", "mqtt", "dns"])(
    "%s on a port where nobody expects it",
    async (kind) => {
      const { reading, left } = await look(kind);
      expect([reading.service?.service, reading.banner, left] as unknown[]).toEqual([kind, undefined, 0]);
    },
  );

  test("a greeting that may be two things is asked: FTP, and what does not answer", async () => {
    expect((await look("plain-ftp")).reading.service?.service).toBe("ftp");
  });

  test.each(["silent", "slow", "tar-pit", "huge"])(
    "%s: three times the patience at most, one connection at once",
    async (kind) => {
      const { reading, tookMs, most, left } = await look(kind);
      expect(reading.service).toBeUndefined();
      // what it says without meaning is kept, bounded and printable
      if (kind === "tar-pit" || kind === "huge") expect(reading.banner).toMatch(/^[\x20-\x7e]{1,120}$/);
      expect(tookMs).toBeLessThan(10 * 3 * 300);
      expect([most, left]).toEqual([1, 0]);
      await Bun.sleep(50);
      expect(connections.get(kind)).toBe(0);
    },
  );

  test("a port that is closed by now says nothing", async () => {
    const server = serve("127.0.0.1", 0, "silent");
    server.stop();
    const options = { address: "127.0.0.1", port: server.port, timeoutMs: 100, random: new Uint8Array(32) };
    const reading = identifyPort({ ...options, monotonicMs: () => 0, connect: () => Promise.resolve(undefined) });
    expect(await reading).toEqual({ port: server.port });
  });
});
