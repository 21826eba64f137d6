import { AmoskysError } from "../core/errors.ts";

/** Where a bus is, taken apart. */
export interface BusAddress {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** host:port as people write it, brackets around IPv6. */
  readonly text: string;
}

/** The port of the bus where none is given. */
const defaultPort = 50051;

/** Reads `host`, `host:port` or `[v6]:port`. Throws `config_invalid`. */
export function parseBusAddress(text: string): BusAddress {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text);
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  if (!match || port < 1 || port > 65_535) {
    throw new AmoskysError("config_invalid", `"${text}" is no address of a bus; write host:port or [v6]:port`, {
      hint: "amoskys config show --origin",
    });
  }
  const host = (match[1] ?? match[2]) as string;
  return { host, port, text: match[1] ? `[${host}]:${port}` : `${host}:${port}` };
}
