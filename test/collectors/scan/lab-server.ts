import type { Socket } from "bun";

type Talk = (socket: Socket<undefined>) => void;
type Answer = (socket: Socket<undefined>, bytes: Uint8Array) => void;

const mysqlBody = Buffer.concat([
  Buffer.from([10]),
  Buffer.from("5.5.5-10.11.6-MariaDB-0+deb12u1\0", "latin1"),
  Buffer.alloc(40, 1),
]);

/** What servers say at once. */
const greetings: Readonly<Record<string, Talk>> = {
  ssh: (socket) => void socket.write("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u2\r\n"),
  ftp: (socket) => void socket.write("220 (vsFTPd 3.0.3)\r\n"),
  smtp: (socket) => void socket.write("220 mail.example ESMTP Postfix (Debian/GNU)\r\n"),
  "plain-ftp": (socket) => void socket.write("220 welcome\r\n"),
  mysql: (socket) => {
    socket.write(Buffer.concat([Buffer.from([mysqlBody.length, 0, 0, 0]), mysqlBody]));
  },
  slow: (socket) => {
    const timer = setInterval(() => (socket.readyState === 1 ? socket.write("x") : clearInterval(timer)), 1000);
  },
  // lines that never become a greeting (RFC 4253, 4.2 lets a server send others before it)
  "tar-pit": (socket) => {
    const line = () => void socket.write(`${Math.random().toString(36).slice(2)}\r\n`);
    const timer = setInterval(() => (socket.readyState === 1 ? line() : clearInterval(timer)), 100);
  },
  huge: (socket) => void socket.write(Buffer.alloc(10_000_000, 0x41)),
};

/** What servers answer to bytes of a client. */
const answers: Readonly<Record<string, Answer>> = {
  "plain-ftp": (socket) => void socket.write("500 EHLO not understood\r\n"),
  redis: (socket, bytes) => {
    const info = "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n";
    const isInfo = Buffer.from(bytes).toString("latin1").startsWith("INFO");
    socket.write(isInfo ? `$${info.length}\r\n${info}\r\n` : "-ERR unknown command\r\n");
  },
  postgres: (socket, bytes) => {
    if (bytes.length === 8 && bytes[4] === 4 && bytes[5] === 0xd2) socket.write("N");
    else socket.end();
  },
  mqtt: (socket, bytes) => {
    if (bytes[0] === 0x10) socket.write(Uint8Array.of(0x20, 2, 0, 0));
    else socket.end();
  },
  dns: (socket, bytes) => {
    const question = Buffer.from(bytes.subarray(2));
    if (bytes.length < 14 || question.length !== Buffer.from(bytes).readUInt16BE(0)) return void socket.end();
    question[2] = 0x84;
    question.writeUInt16BE(1, 6);
    const text = Buffer.from("dnsmasq-2.89", "latin1");
    const answer = Buffer.concat([
      Buffer.from([0xc0, 12, 0, 16, 0, 3, 0, 0, 0, 0, 0, text.length + 1, text.length]),
      text,
    ]);
    const message = Buffer.concat([question, answer]);
    socket.write(Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]));
  },
};

/** Connections that are open now, by kind. */
export const connections = new Map<string, number>();

/** A small real server of one kind; `silent` takes connections and says nothing. Answers of its port. */
export function serve(
  hostname: string,
  port: number,
  kind: string,
  tls?: { cert: string; key: string },
): { port: number; stop(): void } {
  if (kind === "http") {
    const headers = { Server: "nginx/1.22.1" };
    const server = Bun.serve({ hostname, port, fetch: () => new Response("hello", { headers }) });
    return { port: server.port as number, stop: () => void server.stop(true) };
  }
  const count = (by: number) => connections.set(kind, (connections.get(kind) ?? 0) + by);
  const listener = Bun.listen({
    hostname,
    port,
    socket: {
      open: (socket) => {
        count(1);
        greetings[kind]?.(socket);
      },
      data: (socket, bytes) => answers[kind]?.(socket, bytes),
      end: (socket) => void socket.end(),
      close: () => void count(-1),
      error: () => {},
    },
    ...(kind === "tls" && tls ? { tls } : {}),
  });
  return { port: listener.port, stop: () => listener.stop(true) };
}
