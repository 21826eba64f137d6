import { AmoskysError } from "../../core/errors.ts";
import { type AddressRange, addressNumber, hostAddresses } from "./address-range.ts";
import { sweepByArp } from "./arp-sweep.ts";
import { type AttachedNetwork, attachedNetworks } from "./attached-networks.ts";
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
  readonly targets: readonly AddressRange[];
  readonly means: ScanMeans;
  onAsked(): void;
  /** ARP cannot be used on an interface; its addresses are tried by TCP. */
  onArpFailure(error: AmoskysError): void;
}

/** The addresses of the targets: those that answered ARP where ARP reaches, all of them elsewhere. */
export async function findCandidates(options: CandidateOptions): Promise<Candidate[]> {
  const { targets, means } = options;
  const networks = means.config.arp ? attachedNetworks() : [];
  const byNetwork = new Map<AttachedNetwork, string[]>();
  const others = new Map<string, Candidate>();
  const seen = new Set<string>();
  for (const target of targets) {
    for (const address of hostAddresses(target)) {
      const network = target.family === 4 ? networkOf(address, networks) : undefined;
      // a single address may be in a range before it: then it is certain all the same
      if (seen.has(address) && !(target.single && others.has(address))) continue;
      seen.add(address);
      if (!network) others.set(address, { address, certain: target.single || isOwn(address, networks) });
      else byNetwork.set(network, [...(byNetwork.get(network) ?? []), address]);
    }
  }
  const found: Candidate[] = [];
  for (const [network, addresses] of byNetwork) found.push(...(await sweep(network, addresses, options)));
  return [...found, ...others.values()];
}

function isOwn(address: string, networks: readonly AttachedNetwork[]): boolean {
  return networks.some(({ own }) => own === addressNumber(address));
}

/** This host does not answer its own ARP. */
function networkOf(address: string, networks: readonly AttachedNetwork[]): AttachedNetwork | undefined {
  if (isOwn(address, networks)) return undefined;
  const number = addressNumber(address);
  return networks.find(({ first, last }) => number > first && number < last);
}

async function sweep(network: AttachedNetwork, addresses: string[], options: CandidateOptions): Promise<Candidate[]> {
  const { means, onAsked, onArpFailure } = options;
  const { pace, clock, signal } = means;
  try {
    const found = await sweepByArp({ network, addresses, pace, clock, signal, onAsked });
    return [...found].map(([address, hardwareAddress]) => ({ address, hardwareAddress, certain: true }));
  } catch (caught) {
    onArpFailure(AmoskysError.from(caught));
    return addresses.map((address) => ({ address, certain: false }));
  }
}
