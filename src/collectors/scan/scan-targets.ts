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
  /** How many answers on an interface found no room. */
  onDrops(networkInterface: string, drops: number): void;
}

/** Who may be there. */
export interface Found {
  readonly candidates: readonly Candidate[];
  /** This host's own networks whose silent addresses may have answered. */
  readonly lossy: readonly AttachedNetwork[];
}

/** The addresses of the targets: those that answered ARP where ARP reaches, all of them elsewhere. */
export async function findCandidates(options: CandidateOptions): Promise<Found> {
  const { byArp, byTcp } = await shareOut(options.targets, options.means.config.arp ? attachedNetworks() : []);
  const candidates: Candidate[] = [];
  const lossy: AttachedNetwork[] = [];
  for (const [network, addresses] of byArp) {
    const { found, isWhole } = await sweep(network, addresses, options);
    for (const candidate of found) candidates.push(candidate);
    if (!isWhole) lossy.push(network);
  }
  return { candidates: candidates.concat(byTcp), lossy };
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

async function sweep(
  network: AttachedNetwork,
  addresses: string[],
  options: CandidateOptions,
): Promise<{ found: Candidate[]; isWhole: boolean }> {
  const { targets, means, onAsked, onArp, onDrops } = options;
  const { pace, clock, signal } = means;
  if (addresses.length === 0) return { found: [], isWhole: true };
  try {
    const { hosts, drops } = await sweepByArp({ network, addresses, pace, clock, signal, onAsked });
    onArp(network.interface, undefined);
    onDrops(network.interface, drops);
    const found = [...hosts].map(([address, hardwareAddress]) => ({ address, hardwareAddress, certain: true }));
    return { found, isWhole: drops === 0 };
  } catch (caught) {
    onArp(network.interface, AmoskysError.from(caught));
    const named = new Set(targets.flatMap((target) => (isSingle(target) ? [...hostAddresses(target)] : [])));
    return { found: addresses.map((address) => ({ address, certain: named.has(address) })), isWhole: true };
  }
}
