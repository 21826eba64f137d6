import { expect, test } from "bun:test";
import { openConversation } from "../../../src/collectors/scan/conversation.ts";
import { serve } from "./lab-server.ts";

const means = { address: "127.0.0.1", timeoutMs: 1000, bytesMax: 1024, signal: new AbortController().signal };

test("of 10 MB it keeps what it may, and has ended by then", async () => {
  const server = serve("127.0.0.1", 0, "huge");
  try {
    const outcome = await openConversation({ ...means, port: server.port });
    if (outcome.state !== "open") throw new Error(outcome.state);
    await outcome.conversation.until(() => false, 1000);
    expect([outcome.conversation.bytes.length, outcome.conversation.ended]).toEqual([1024, true]);
  } finally {
    server.stop();
  }
});

test("a port that refuses is closed; an attempt that was called off says nothing", async () => {
  const server = serve("127.0.0.1", 0, "silent");
  server.stop();
  expect(await openConversation({ ...means, port: server.port })).toEqual({ state: "closed" });
  expect(await openConversation({ ...means, port: 1, signal: AbortSignal.abort() })).toEqual({ state: "failed" });
});
