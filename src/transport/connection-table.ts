import type { Observer } from "../core/observer.ts";
import type { Connection } from "./connection.ts";
import type { ServerLimits } from "./limits.ts";

/** What the server has to know of a socket from its first moment on. */
interface Socket {
  destroy(): unknown;
  once(event: "close", listener: () => void): unknown;
}

/** Every socket of a server, whether its handshake is done or not, and how many come from each address. */
export class ConnectionTable {
  readonly #limits: ServerLimits;
  readonly #observer: Observer;
  readonly #sockets = new Set<Socket>();
  readonly #perAddress = new Map<string, number>();
  readonly #connections = new Map<Socket, Connection>();
  #emptied: (() => void) | undefined;

  constructor(limits: ServerLimits, observer: Observer) {
    this.#limits = limits;
    this.#observer = observer;
  }

  /** How many have done their handshake. */
  get size(): number {
    return this.#connections.size;
  }

  /** Those whose handshake is done. */
  connections(): Connection[] {
    return [...this.#connections.values()];
  }

  /** Counts a socket that was accepted, or destroys it where that would be one too many. */
  admit(socket: Socket, address: string): boolean {
    const count = this.#perAddress.get(address) ?? 0;
    const full = this.#sockets.size >= this.#limits.connectionsMax;
    if (full || count >= this.#limits.connectionsPerAddressMax) {
      this.#observer.count("amoskys_bus_connections_refused_total", { limit: full ? "all" : "address" });
      socket.destroy();
      return false;
    }
    this.#sockets.add(socket);
    this.#perAddress.set(address, count + 1);
    socket.once("close", () => this.#forget(socket, address));
    return true;
  }

  /** Adds a connection whose handshake is done; it leaves by itself when its socket closes. */
  add(connection: Connection, socket: Socket): void {
    this.#connections.set(socket, connection);
    this.#observer.count("amoskys_bus_connections_opened_total");
    this.#observer.gauge("amoskys_bus_connections", this.#connections.size);
    socket.once("close", () => {
      this.#connections.delete(socket);
      this.#observer.gauge("amoskys_bus_connections", this.#connections.size);
    });
  }

  /** Destroys the sockets whose handshake is not done. */
  dropUnfinished(): void {
    for (const socket of [...this.#sockets]) if (!this.#connections.has(socket)) socket.destroy();
  }

  /** Resolves when no socket is left. */
  empty(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#sockets.size === 0) return resolve();
      this.#emptied = resolve;
    });
  }

  #forget(socket: Socket, address: string): void {
    if (!this.#sockets.delete(socket)) return;
    const count = (this.#perAddress.get(address) ?? 1) - 1;
    if (count === 0) this.#perAddress.delete(address);
    else this.#perAddress.set(address, count);
    if (this.#sockets.size === 0) this.#emptied?.();
  }
}
