import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AmoskysError } from "../../src/core/errors.ts";
import { askUp, type ControlRequest, controlPath, openControlSocket } from "../../src/roles/control-socket.ts";

const root = mkdtempSync(join(tmpdir(), "amoskys-control-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function exchange(dir: string, text: string): Promise<string> {
  const socket = createConnection(controlPath(dir));
  socket.end(text);
  let answer = "";
  for await (const chunk of socket) answer += chunk;
  return answer;
}

describe("control socket", () => {
  test("carries a request and its answer, and is its owner's only", async () => {
    const dir = join(root, "ok");
    const asked: ControlRequest[] = [];
    const server = await openControlSocket(dir, async (request) => {
      asked.push(request);
      return [{ role: "bus", state: "healthy", message: "", restarts: 0 }];
    });
    const answer = await askUp(dir, { command: "restart", role: "bus" });
    expect(answer).toMatchObject({ pid: process.pid, roles: [{ role: "bus", state: "healthy" }] });
    expect(asked).toEqual([{ command: "restart", role: "bus" }]);
    expect(statSync(controlPath(dir)).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir, "run")).mode & 0o777).toBe(0o700);
    server.close();
  });

  test("an error crosses with code, message and hint", async () => {
    const dir = join(root, "error");
    const server = await openControlSocket(dir, async () => {
      throw new AmoskysError("usage", "no such role", { hint: "amoskys status" });
    });
    const asked = askUp(dir, { command: "stop", role: "x" });
    expect(asked).rejects.toMatchObject({ code: "usage", message: "no such role", hint: "amoskys status" });
    await asked.catch(() => {});
    server.close();
  });

  test("nobody listens: undefined, also where a killed one left its socket", async () => {
    const dir = join(root, "gone");
    expect(await askUp(dir, { command: "status" })).toBeUndefined();
    const server = await openControlSocket(dir, async () => []);
    server.close();
    expect(await askUp(dir, { command: "status" })).toBeUndefined();
    const again = await openControlSocket(dir, async () => []);
    expect(await askUp(dir, { command: "status" })).toMatchObject({ roles: [] });
    again.close();
  });

  test("garbage and endless lines are answered or cut, and the socket goes on", async () => {
    const dir = join(root, "garbage");
    const server = await openControlSocket(dir, async () => []);
    for (const line of ["not json", "null", "[]", '{"command":1}']) {
      const answer = JSON.parse(await exchange(dir, `${line}\n`));
      expect(answer).toMatchObject({ ok: false, code: "usage", message: expect.stringContaining("one JSON object") });
    }
    expect(await exchange(dir, "x".repeat(200_000)).catch(() => "")).toBe("");
    expect(await askUp(dir, { command: "status" })).toMatchObject({ roles: [] });
    server.close();
  });
});
