// A real proxy between an agent and a bus that can be told to break the line.
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Forwards connections of a port of its own to wherever the bus is now. */
export class TcpProxy {
  readonly #server: Server;
  readonly #target: () => number;
  readonly #sockets = new Set<Socket>();
  /** Connections are closed as soon as they come. */
  isAway = false;
  /** What the bus answers is swallowed. */
  isMute = false;
  /** Connections that came. */
  attempts = 0;

  private constructor(target: () => number) {
    this.#target = target;
    this.#server = createServer((near) => this.#accept(near));
  }

  static async start(target: () => number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Breaks every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(near: Socket): void {
    this.attempts += 1;
    if (this.isAway) {
      near.destroy();
      return;
    }
    const far = connect(this.#target(), "127.0.0.1");
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    near.on("data", (bytes) => far.write(bytes));
    far.on("data", (bytes) => {
      if (!this.isMute) near.write(bytes);
    });
  }
}
