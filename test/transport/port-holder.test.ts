import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { findPortHolder } from "../../src/transport/port-holder.ts";

test("findPortHolder names the process that listens, and none for a free port", async () => {
  const script = 'require("net").createServer().listen(0, "::", function () { console.log(this.address().port) })';
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
  const { value } = await child.stdout.getReader().read();
  const port = Number(new TextDecoder().decode(value));
  expect(findPortHolder(port)).toEqual({ pid: child.pid, command: expect.stringContaining("bun") });
  child.kill();
  await child.exited;
  expect(findPortHolder(port)).toBeUndefined();
});

test("findPortHolder does not take one who is connected for one who listens", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  expect(findPortHolder(port)?.pid).toBe(process.pid);
  const closed = new Promise((resolve) => server.once("close", resolve));
  server.close();
  await closed;
  expect(findPortHolder(port)).toBeUndefined();
});
