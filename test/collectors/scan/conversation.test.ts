import { expect, test } from "bun:test";
import { openConversation } from "../../../src/collectors/scan/conversation.ts";
import { serve } from "./lab-server.ts";

const means = { address: "127.0.0.1", timeoutMs: 1000, bytesMax: 1024, signal: new AbortController().signal };

test("of 10 MB it keeps what it may, and has ended by then", async () => {
  const server = serve("127.0.0.1", 0, "huge");
  try {
    const conversation = await openConversation({ ...means, port: server.port });
    await conversation?.until(() => false, 1000);
    expect([conversation?.bytes.length, conversation?.ended]).toEqual([1024, true]);
  } finally {
    server.stop();
  }
});

test("there is none with a port that refuses, and none once it is called off", async () => {
  const server = serve("127.0.0.1", 0, "silent");
  expect(await openConversation({ ...means, port: server.port, signal: AbortSignal.abort() })).toBeUndefined();
  server.stop();
  expect(await openConversation({ ...means, port: server.port })).toBeUndefined();
});
