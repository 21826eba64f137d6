import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { AmoskysError, type ErrorCode, errnoOf } from "../core/errors.ts";
import type { RoleStatus } from "./role-status.ts";

export type ControlCommand = "status" | "start" | "stop" | "restart" | "down";

/** One request and one answer a connection, each one JSON line. */
export interface ControlRequest {
  readonly command: ControlCommand;
  readonly role?: string | undefined;
}

type ControlAnswer =
  | { readonly ok: true; readonly pid: number; readonly roles: RoleStatus[] }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string; readonly hint?: string | undefined };

const lineBytesMax = 65_536;
const requestMsMax = 5000;
const socketPathBytesMax = 107;

/** Where `up` of a home listens. Throws `config_invalid` where the kernel has no room for the name (unix(7)). */
export function controlPath(dataDir: string): string {
  const path = join(dataDir, "run", "up.sock");
  if (Buffer.byteLength(path) <= socketPathBytesMax) return path;
  throw new AmoskysError("config_invalid", `${path} is too long for a socket, ${socketPathBytesMax} bytes at most`, {
    hint: "amoskys up --home DIR with a shorter path",
  });
}

function readLine(socket: Socket, waitMs: number): Promise<string> {
  return new Promise((done, fail) => {
    let text = "";
    if (waitMs > 0) socket.setTimeout(waitMs, () => socket.destroy(new Error("no line in time")));
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
      if (text.includes("\n")) done(text.slice(0, text.indexOf("\n")));
      else if (text.length > lineBytesMax) socket.destroy(new Error("line too long"));
    });
    socket.on("error", fail);
    socket.on("close", () => fail(new Error("closed before a whole line")));
  });
}

/** Throws `usage` for a line that is no request. */
function parseRequest(line: string): ControlRequest {
  try {
    const request: unknown = JSON.parse(line);
    if (typeof (request as ControlRequest | null)?.command === "string") return request as ControlRequest;
  } catch {
    // said below
  }
  throw new AmoskysError("usage", "The control socket takes one JSON object with a command a line", {
    hint: "amoskys status",
  });
}

async function serveOne(
  socket: Socket,
  handle: (request: ControlRequest) => Promise<RoleStatus[]>,
): Promise<ControlAnswer> {
  try {
    const request = parseRequest(await readLine(socket, requestMsMax));
    return { ok: true, pid: process.pid, roles: await handle(request) };
  } catch (caught) {
    const { code, message, hint } = AmoskysError.from(caught);
    return { ok: false, code, message, hint };
  }
}

/** Listens for the commands of this user; the socket is 0600 in a folder that is 0700. */
export async function openControlSocket(
  dataDir: string,
  handle: (request: ControlRequest) => Promise<RoleStatus[]>,
): Promise<Server> {
  const path = controlPath(dataDir);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    void serveOne(socket, handle).then((answer) => {
      if (!socket.destroyed) socket.end(`${JSON.stringify(answer)}\n`);
    });
  });
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((done, fail) => {
      server.once("error", fail);
      server.listen(path, () => done());
    });
  } finally {
    process.umask(mask);
  }
  chmodSync(path, 0o600);
  return server;
}

/** Sends one command to the `up` of a home; undefined where none runs there. */
export async function askUp(
  dataDir: string,
  request: ControlRequest,
): Promise<{ pid: number; roles: RoleStatus[] } | undefined> {
  const socket = createConnection(controlPath(dataDir));
  try {
    await new Promise<void>((done, fail) => {
      socket.once("connect", done);
      socket.once("error", fail);
    });
    socket.write(`${JSON.stringify(request)}\n`);
    const answer = JSON.parse(await readLine(socket, 0)) as ControlAnswer;
    if (answer.ok) return answer;
    throw new AmoskysError(answer.code, answer.message, answer.hint === undefined ? {} : { hint: answer.hint });
  } catch (caught) {
    const errno = errnoOf(caught);
    if (errno === "ENOENT" || errno === "ECONNREFUSED") return undefined;
    if (errno === "EACCES" || errno === "EPERM") {
      throw new AmoskysError("privilege_missing", `${controlPath(dataDir)} belongs to another user`, {
        hint: "run the command as the user who runs amoskys up",
        cause: caught,
      });
    }
    throw caught;
  } finally {
    socket.destroy();
  }
}
