import { dlopen, FFIType, ptr } from "bun:ffi";
import { closeSync, openSync, writeSync } from "node:fs";
import { AmoskysError } from "../../src/core/errors.ts";

const CLONE_NEWNET = 0x40000000; // linux/sched.h
const AF_PACKET = 17; // linux/socket.h
const SOCK_RAW = 3;
const TUNSETIFF = 0x400454can; // linux/if_tun.h
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;

/** Why tests that need namespaces and raw sockets cannot run here, or undefined where they can. CI must be able to. */
export function namespaceObstacle(): string | undefined {
  const obstacle =
    process.platform !== "linux"
      ? "network namespaces are Linux's"
      : process.getuid?.() !== 0
        ? "making network namespaces takes root"
        : Bun.which("ip") === null
          ? "ip (iproute2) is not installed"
          : undefined;
  if (obstacle && process.env.CI === "true") throw new Error(`cannot test with network namespaces: ${obstacle}`);
  if (obstacle) process.stderr.write(`skipped: ${obstacle}\n`);
  return obstacle;
}

function ip(...args: string[]): void {
  const result = Bun.spawnSync(["ip", ...args]);
  if (result.exitCode !== 0) throw new Error(`ip ${args.join(" ")}: ${result.stderr.toString().trim()}`);
}

function openLibc() {
  const { cstring, i32, i64, ptr: pointer, u32, u64 } = FFIType;
  return dlopen("libc.so.6", {
    setns: { args: [i32, i32], returns: i32 },
    ioctl: { args: [i32, u64, pointer], returns: i32 },
    socket: { args: [i32, i32, i32], returns: i32 },
    sendto: { args: [i32, pointer, u64, i32, pointer, u32], returns: i64 },
    if_nametoindex: { args: [cstring], returns: u32 },
  }).symbols;
}

/** A network namespace of its own, with a name nobody else has. */
export class NetworkNamespace {
  readonly name: string;

  constructor() {
    this.name = `amk-${process.pid}-${crypto.randomUUID().slice(0, 8)}`;
    ip("netns", "add", this.name);
  }

  /** `ip` inside of it. */
  ip(...args: string[]): void {
    ip("-n", this.name, ...args);
  }

  /** The command line that runs a program inside of it. */
  command(argv: readonly string[]): string[] {
    return ["ip", "netns", "exec", this.name, ...argv];
  }

  /** What a program run inside of it prints. */
  read(...argv: string[]): string {
    const result = Bun.spawnSync(this.command(argv));
    if (result.exitCode !== 0) throw new Error(`${argv.join(" ")}: ${result.stderr.toString().trim()}`);
    return result.stdout.toString();
  }

  /** One counter of /sys/class/net/INTERFACE/statistics, as seen inside. */
  counter(networkInterface: string, counter: string): number {
    return Number(this.read("cat", `/sys/class/net/${networkInterface}/statistics/${counter}`));
  }

  /** Runs a synchronous function with this thread inside; sockets and threads it makes stay inside. */
  within<T>(run: () => T): T {
    const libc = openLibc();
    const outside = openSync("/proc/thread-self/ns/net", "r");
    const inside = openSync(`/run/netns/${this.name}`, "r");
    try {
      if (libc.setns(inside, CLONE_NEWNET) !== 0) throw new Error(`cannot enter ${this.name}`);
      return run();
    } finally {
      libc.setns(outside, CLONE_NEWNET);
      closeSync(inside);
      closeSync(outside);
    }
  }

  /** Sends link-layer frames as they are. */
  sendFrames(networkInterface: string, frames: readonly Uint8Array[]): void {
    this.within(() => {
      const libc = openLibc();
      const address = new DataView(new ArrayBuffer(20)); // struct sockaddr_ll
      address.setUint16(0, AF_PACKET, true);
      address.setInt32(4, libc.if_nametoindex(Buffer.from(`${networkInterface}\0`)), true);
      const fd = libc.socket(AF_PACKET, SOCK_RAW, 0);
      if (fd < 0) throw new AmoskysError("privilege_missing", "cannot send raw frames");
      try {
        for (const frame of frames) {
          const sent = Number(libc.sendto(fd, ptr(frame), frame.length, 0, ptr(address), address.byteLength));
          if (sent !== frame.length) throw new Error(`sent ${sent} of ${frame.length} bytes on ${networkInterface}`);
        }
      } finally {
        closeSync(fd);
      }
    });
  }

  /** Makes a tun device that is up; what is written to it, a whole IP packet, it receives. */
  openTun(networkInterface: string): { write(packet: Uint8Array): void; close(): void } {
    const request = Buffer.alloc(40); // struct ifreq
    request.write(networkInterface, "latin1");
    request.writeUInt16LE(IFF_TUN | IFF_NO_PI, 16);
    const fd = this.within(() => openSync("/dev/net/tun", "r+"));
    if (this.within(() => openLibc().ioctl(fd, TUNSETIFF, ptr(request))) !== 0)
      throw new Error("cannot make a tun device");
    this.ip("link", "set", networkInterface, "up");
    return { write: (packet) => void writeSync(fd, packet), close: () => closeSync(fd) };
  }

  /** Removes it with all that is in it. Safe twice. */
  remove(): void {
    Bun.spawnSync(["ip", "netns", "del", this.name]);
  }
}

/** Two namespaces joined by a veth pair, both ends called `veth0`. */
export interface VethPair {
  readonly left: NetworkNamespace;
  readonly right: NetworkNamespace;
  readonly leftAddress: string;
  readonly rightAddress: string;
  /** Brings both ends and both loopbacks up. */
  up(): void;
  /** Takes the left end down, so that its counters stand still: IPv6 talks by itself. */
  silence(): void;
  remove(): void;
}

/** Makes a pair whose ends are still down, so that a capture can be there from the first frame. */
export function createVethPair(): VethPair {
  const spaces: NetworkNamespace[] = [];
  const remove = () => {
    for (const space of spaces) space.remove();
  };
  try {
    const left = new NetworkNamespace();
    spaces.push(left);
    const right = new NetworkNamespace();
    spaces.push(right);
    ip("-n", left.name, "link", "add", "veth0", "type", "veth", "peer", "name", "veth0", "netns", right.name);
    left.ip("address", "add", "10.99.0.1/24", "dev", "veth0");
    right.ip("address", "add", "10.99.0.2/24", "dev", "veth0");
    const up = () => {
      for (const space of spaces) {
        space.ip("link", "set", "lo", "up");
        space.ip("link", "set", "veth0", "up");
      }
    };
    const silence = () => left.ip("link", "set", "veth0", "down");
    return { left, right, silence, leftAddress: "10.99.0.1", rightAddress: "10.99.0.2", up, remove };
  } catch (caught) {
    remove();
    throw caught;
  }
}

const transferProgram = `
const [role, host, port, bytes] = process.argv.slice(1);
const total = Number(bytes);
if (role === "receive") {
  let received = 0;
  Bun.listen({ hostname: host, port: Number(port), socket: {
    data(socket, data) { received += data.length; },
    end(socket) { socket.end(); },
    close() { process.stdout.write(String(received)); process.exit(0); },
  } });
  process.stdout.write("ready ");
} else {
  let left = total;
  const chunk = new Uint8Array(65536).fill(7);
  const pump = (socket) => {
    while (left > 0) {
      const wrote = socket.write(chunk.subarray(0, Math.min(left, chunk.length)));
      if (wrote <= 0) return;
      left -= wrote;
    }
    socket.flush(); socket.end();
  };
  await Bun.connect({ hostname: host, port: Number(port), socket: {
    open: pump, drain: pump, data() {}, close() { process.exit(0); },
  } });
}`;

/** Sends `bytes` over a TCP connection from one namespace to another; answers how many arrived. */
export async function transfer(options: {
  from: NetworkNamespace;
  to: NetworkNamespace;
  address: string;
  port: number;
  bytes: number;
}): Promise<number> {
  const { from, to, address, port, bytes } = options;
  const program = (role: string) => ["bun", "-e", transferProgram, role, address, String(port), String(bytes)];
  const receiver = Bun.spawn(to.command(program("receive")), { stdout: "pipe", stderr: "inherit" });
  const reader = receiver.stdout.getReader();
  const decoder = new TextDecoder();
  let said = decoder.decode((await reader.read()).value);
  const sender = Bun.spawn(from.command(program("send")), { stdout: "inherit", stderr: "inherit" });
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    said += decoder.decode(value);
  }
  const statuses = await Promise.all([sender.exited, receiver.exited]);
  if (statuses.some((status) => status !== 0)) throw new Error(`the transfer ended with ${statuses.join(" and ")}`);
  return Number(said.replace("ready ", ""));
}
