import { deviceIdOf, type HostReading, movedHosts } from "./host-changes.ts";

/** A host that did not answer any more. */
export interface GoneHost extends HostReading {
  /** When a scan first missed it, in milliseconds since the Unix epoch. */
  readonly goneMs: number;
}

/** A host as it was: in the last scan, or when it was last seen. */
export type KnownHost = HostReading & Partial<Pick<GoneHost, "goneMs">>;

/** What is known when a scan has ended. */
export interface HostRecord {
  /** Of the last scan. */
  readonly hosts: readonly HostReading[];
  /** In the order in which they went. */
  readonly gone: readonly GoneHost[];
}

/** For how long, and of how many, what has gone is known again: as many as a range has addresses. */
const goneMsMax = 30 * 24 * 3600 * 1000;
export const goneHostsMax = 65_536;

/** The hosts of the last scan and those that have gone before it. */
export class KnownHosts {
  #present: ReadonlyMap<string, HostReading> | undefined;
  #gone: readonly GoneHost[] = [];

  /** Takes over what a run before this one knew. */
  restore({ hosts, gone }: HostRecord): void {
    this.#present = new Map(hosts.map((host) => [host.address, host]));
    this.#gone = gone;
  }

  /** Undefined before a first scan has ended. */
  get record(): HostRecord | undefined {
    return this.#present && { hosts: [...this.#present.values()], gone: this.#gone };
  }

  /** What is known of the device at each address that answers now; nothing of those that nobody saw before. */
  recall(candidates: readonly Pick<HostReading, "address" | "hardwareAddress">[]): Map<string, KnownHost> {
    const moved = movedHosts(this.#present, candidates);
    const gone = new Map(this.#gone.flatMap((host) => goneKeys(host).map((key) => [key, host] as const)));
    const known = new Map<string, KnownHost>();
    for (const candidate of candidates) {
      const { address } = candidate;
      const key = candidateKeys(candidate).find((one) => gone.has(one));
      const host = this.#present?.get(address) ?? moved.get(address) ?? (key === undefined ? undefined : gone.get(key));
      if (host) known.set(address, host);
    }
    return known;
  }

  /**
   * Takes a scan for the last one, with what `recall` answered for it. Answers the devices that went. Those whose
   * silence says nothing stay as they were.
   */
  replace(
    now: ReadonlyMap<string, HostReading>,
    recalled: ReadonlyMap<string, KnownHost>,
    nowMs: number,
    isUnheard: (host: HostReading) => boolean = () => false,
  ): HostReading[] {
    const found = new Set([...recalled].flatMap(([address, host]) => (now.has(address) ? [host] : [])));
    const silent = [...(this.#present?.values() ?? [])].filter((host) => !now.has(host.address) && !found.has(host));
    const { kept = [], missed = [] } = Object.groupBy(silent, (host) => (isUnheard(host) ? "kept" : "missed"));
    const gone = this.#gone.filter((host) => !found.has(host) && host.goneMs > nowMs - goneMsMax);
    this.#gone = gone.concat(missed.map((host) => ({ ...host, goneMs: nowMs }))).slice(-goneHostsMax);
    this.#present = new Map([...now, ...kept.map((host) => [host.address, host] as const)]);
    const here = new Set([...this.#present.values()].map(deviceIdOf));
    // a device with another address still has not gone
    return missed.filter((host) => !here.has(deviceIdOf(host)));
  }
}

/** Under what a host that has gone is known again; the one that went last stands for all with a key. */
function goneKeys({ address, hardwareAddress }: HostReading): string[] {
  if (hardwareAddress === undefined) return [address, `? ${address}`];
  return [address, hardwareAddress, `${hardwareAddress} ${address}`];
}

/** What is at an address that was another device's is not that device; where ARP tells nothing it is taken for it. */
function candidateKeys({ address, hardwareAddress }: Pick<HostReading, "address" | "hardwareAddress">): string[] {
  if (hardwareAddress === undefined) return [address];
  return [`${hardwareAddress} ${address}`, hardwareAddress, `? ${address}`];
}
