import type { AmoskysError } from "../../core/errors.ts";
import type { LogFields, Observer } from "../../core/observer.ts";
import type { ResolvedName } from "./resolve-names.ts";

const nameProblems = {
  unknown: "cannot be looked up",
  not_private: "stands for an address that is not private",
  link_local: "stands for a link-local IPv6 address, which is not scanned",
} as const;

/** What keeps scans from seeing all. Each thing is told in one line, and again only when its reason is another. */
export class ScanProblems {
  readonly #observer: Observer;
  /** Reasons by part. */
  readonly #now = new Map<string, string>();

  constructor(observer: Observer) {
    this.#observer = observer;
  }

  /** All reasons of now; empty where all is well. */
  get text(): string {
    return [...this.#now.values()].join("; ");
  }

  /** ARP on an interface: it could be used, or why not. */
  noteArp(networkInterface: string, error: AmoskysError | undefined): void {
    if (error) this.#observer.count("amoskys_scan_arp_failures_total", { code: error.code });
    const reason = error && `without ARP: ${error.message}`;
    this.#note(`arp ${networkInterface}`, reason, `scan: ${reason}; its addresses are tried by TCP`, {
      code: error?.code,
      hint: error?.hint,
    });
  }

  /** Answers to ARP on an interface that found no room. */
  noteDrops(networkInterface: string, drops: number): void {
    if (drops > 0) this.#observer.count("amoskys_scan_arp_drops_total", { interface: networkInterface }, drops);
    const reason = drops > 0 ? `answers to ARP on "${networkInterface}" were lost` : undefined;
    const line = `scan: ${drops} ${reason}; hosts that did not answer are taken to be as they were`;
    this.#note(`drops ${networkInterface}`, reason, line, {
      hint: "who floods this network with ARP, tcpdump arp says",
    });
  }

  /** All interfaces that have no carrier, of those with hosts to be scanned. */
  noteUnplugged(networkInterfaces: ReadonlySet<string>): void {
    const names = [...networkInterfaces].map((name) => `"${name}"`).join(", ");
    const reason = names === "" ? undefined : `no carrier on ${names}`;
    this.#note("carrier", reason, `scan: ${reason}; the hosts there are taken to be as they were`, {
      hint: "ip link: is the cable in, and the other end up",
    });
  }

  noteName(name: string, { problem }: ResolvedName): void {
    if (problem) this.#observer.count("amoskys_scan_refused_names_total", { reason: problem });
    const reason = problem && `${name} ${nameProblems[problem]}`;
    this.#note(`name ${name}`, reason, `scan: ${reason}`, {
      hint: problem === "unknown" ? `getent hosts ${name}` : "name the address itself, if it is to be scanned",
    });
  }

  /** Ports that this host could not try in a scan, by the errno's name. */
  noteUntried(untried: ReadonlyMap<string, number>): void {
    const what = "ports that this host could not try";
    const counts = [...untried].map(([errno, count]) => `${count} ${errno}`).join(", ");
    const reason = untried.size > 0 ? `${what}: ${[...untried.keys()].join(", ")}` : undefined;
    this.#note("ports", reason, `scan: ${what}: ${counts}`, {
      hint: "ip route, and ulimit -n; a smaller scan.max_concurrent takes fewer descriptors",
    });
  }

  /** The file of the last scan: it could be written, or why not. */
  noteKept(path: string, error: AmoskysError | undefined): void {
    const reason = error && `the scan cannot be kept in ${path}: ${error.message}`;
    this.#note("last scan", reason, `scan: ${reason}`, { hint: `df ${path}` });
  }

  #note(part: string, reason: string | undefined, line: string, fields: LogFields): void {
    if (!reason) this.#now.delete(part);
    if (!reason || this.#now.get(part) === reason) return;
    this.#now.set(part, reason);
    this.#observer.log("warn", line, fields);
  }
}
