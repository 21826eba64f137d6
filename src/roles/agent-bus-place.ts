import { lookup } from "node:dns/promises";
import { parseBusAddress } from "../transport/index.ts";

/**
 * The bus as IP addresses and port, so that a collector can tell the agent's own traffic apart; undefined where its
 * name is not known now.
 */
export async function resolveBus(address: string): Promise<{ addresses: string[]; port: number } | undefined> {
  const { host, port } = parseBusAddress(address);
  try {
    const found = await lookup(host, { all: true });
    return { addresses: found.map((each) => each.address), port };
  } catch {
    return undefined;
  }
}
