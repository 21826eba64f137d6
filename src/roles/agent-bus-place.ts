import { lookup } from "node:dns/promises";

const portDefault = 50_051;

/** Host and port of an address such as `host:50051`, `[::1]:50051` or `host`. */
export function splitAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(address);
  if (!match) return { host: address, port: portDefault };
  return { host: match[1] ?? match[2] ?? "", port: match[3] === undefined ? portDefault : Number(match[3]) };
}

/**
 * The bus as IP addresses and port, so that a collector can tell the agent's own traffic apart; undefined where its
 * name is not known now.
 */
export async function resolveBus(address: string): Promise<{ addresses: string[]; port: number } | undefined> {
  const { host, port } = splitAddress(address);
  try {
    const found = await lookup(host, { all: true });
    return { addresses: found.map((each) => each.address), port };
  } catch {
    return undefined;
  }
}
