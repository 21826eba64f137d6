import { setImmediate } from "node:timers/promises";
import { AmoskysError } from "../../core/errors.ts";
import { addressNumber, hostAddresses, type IpRange } from "../../core/ip-range.ts";
import { sweepByArp } from "./arp-sweep.ts";
import { type AttachedNetwork, attachedNetworks } from "./attached-networks.ts";
import { isSingle } from "./parse-target.ts";
import type { ScanMeans } from "./scan-host.ts";

/** An address to be scanned, and what is known of it before. */
export interface Candidate {
  readonly address: string;
  /** Known from ARP: it is there, whatever its ports say. */
  readonly hardwareAddress?: string | undefined;
  /** All its ports are tried, even where none of the usual ones answers. */
  readonly certain: boolean;
}

export interface CandidateOptions {
  readonly targets: readonly IpRange[];
  readonly means: ScanMeans;
  onAsked(): void;
  /** ARP on an interface: it could be used, or why not; then its addresses are tried by TCP. */
  onArp(networkInterface: string, error: AmoskysError | undefined): void;
}

/** The addresses of the targets: those that answered ARP where ARP reaches, all of them elsewhere. */
export async function findCandidates(options: CandidateOptions): Promise<Candidate[]> {
  const { byArp, byTcp } = await shareOut(options.targets, options.means.config.arp ? attachedNetworks() : []);
  const found: Candidate[] = [];
  for (const [network, addresses] of byArp) {
    for (const candidate of await sweep(network, addresses, options)) found.push(candidate);
  }
  return found.concat(byTcp);
}

/** Addresses that are looked at before other work of this thread gets its turn. */
const addressesAtOnce = 4096;

/** Which addresses are asked by ARP, and which are tried by TCP, each once. Those that are no host's are left out. */
export async function shareOut(
  targets: readonly IpRange[],
  networks: readonly AttachedNetwork[],
): Promise<{ byArp: Map<AttachedNetwork, string[]>; byTcp: Candidate[] }> {
  const byArp = new Map<AttachedNetwork, string[]>(networks.map((network) => [network, []]));
  const byTcp = new Map<string, Candidate>();
  const asked = new Set<string>();
  let looked = 0;
  for (const target of targets) {
    for (const address of hostAddresses(target)) {
      looked += 1;
      if (looked % addressesAtOnce === 0) await setImmediate();
      // a single address may be in a range before it: then it is certain all the same
      if (asked.has(address) || (byTcp.has(address) && !isSingle(target))) continue;
      const number = target.family === 4 ? addressNumber(address) : undefined;
      const network = networks.find(({ first, last }) => number !== undefined && number >= first && number <= last);
      const isOwn = networks.some(({ own }) => own === number);
      if (!network || isOwn) byTcp.set(address, { address, certain: isSingle(target) || isOwn });
      else if (isHost(number as bigint, network)) {
        asked.add(address);
        byArp.get(network)?.push(address);
      }
    }
  }
  return { byArp, byTcp: [...byTcp.values()] };
}

/** A network of more than two addresses (RFC 3021) has its own and a broadcast address. */
function isHost(number: bigint, { first, last }: AttachedNetwork): boolean {
  return last - first <= 1n || (number > first && number < last);
}

async function sweep(network: AttachedNetwork, addresses: string[], options: CandidateOptions): Promise<Candidate[]> {
  const { targets, means, onAsked, onArp } = options;
  const { pace, clock, signal } = means;
  if (addresses.length === 0) return [];
  try {
    const found = await sweepByArp({ network, addresses, pace, clock, signal, onAsked });
    onArp(network.interface, undefined);
    return [...found].map(([address, hardwareAddress]) => ({ address, hardwareAddress, certain: true }));
  } catch (caught) {
    onArp(network.interface, AmoskysError.from(caught));
    const named = new Set(targets.flatMap((target) => (isSingle(target) ? [...hostAddresses(target)] : [])));
    return addresses.map((address) => ({ address, certain: named.has(address) }));
  }
}
