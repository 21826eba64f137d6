import { join } from "node:path";
import type { CollectorContext } from "../../core/collector.ts";
import { AmoskysError } from "../../core/errors.ts";
import type { LogFields } from "../../core/observer.ts";
import {
  definePollingCollector,
  type PolledOptions,
  type Rounds,
  type RoundsReport,
} from "../../core/polling-collector.ts";
import { hardwareVendor } from "../../data/oui.ts";
import { type AddressRange, parseTarget, type Target } from "./address-range.ts";
import type { ScanConfig } from "./config.ts";
import { deviceIdOf, type HostReading, hostChanges, keepSilent, keepUntried, movedHosts } from "./host-changes.ts";
import { goneEvents, hostEvents } from "./host-telemetry.ts";
import { loadLastScan, type ScanScope, saveLastScan } from "./last-scan.ts";
import { Pace } from "./pace.ts";
import { parsePorts } from "./port-list.ts";
import { PortProber } from "./port-prober.ts";
import { type ResolvedName, resolveName } from "./resolve-names.ts";
import { reverseName } from "./reverse-names.ts";
import { answersTcp, type ScanMeans, scanPorts } from "./scan-host.ts";
import { type Candidate, findCandidates } from "./scan-targets.ts";
import { forEachAtOnce, Slots } from "./slots.ts";

/** Hosts in work at once: one that keeps us waiting takes one of these places. */
const hostsAtOnce = 64;

/** The collector `scan`. */
export const scanCollector = definePollingCollector(
  "scan",
  ({ config }: PolledOptions<ScanConfig>, context) => new Scans(config, context),
);

/** Hosts by address, as one scan saw them. */
type Hosts = ReadonlyMap<string, HostReading>;

class Scans implements Rounds {
  readonly #config: ScanConfig;
  readonly #context: CollectorContext;
  readonly #targets: readonly Target[];
  readonly #ports: readonly number[];
  readonly #discoveryPorts: readonly number[];
  /** Of the last scan; undefined before the first one has ended, unless a run before this one kept its own. */
  #hosts: Hosts | undefined;
  /** What names last stood for: one that cannot be looked up now has not lost its hosts. */
  readonly #resolved = new Map<string, readonly AddressRange[]>();
  /** What is wrong now, by part; each is told once, until it is different. */
  readonly #problems = new Map<string, string>();
  readonly #totals = { connects: 0, arp_asked: 0, changes: 0 };

  constructor(config: ScanConfig, context: CollectorContext) {
    this.#config = config;
    this.#context = context;
    this.#targets = config.targets.map(parseTarget);
    this.#ports = parsePorts(config.ports);
    this.#discoveryPorts = parsePorts(config.discovery_ports);
  }

  open(): void {
    if (this.#targets.length === 0) {
      throw new AmoskysError("config_invalid", "There is nothing to scan: scan.targets is empty", {
        hint: "set scan.targets in config/amoskys.yaml, or --target 192.168.1.0/24",
      });
    }
    this.#load();
  }

  get #scope(): ScanScope {
    return { targets: [...this.#config.targets], ports: [...this.#ports] };
  }

  get #path(): string | undefined {
    const { stateFolder } = this.#context;
    return stateFolder === undefined ? undefined : join(stateFolder, "scan.json");
  }

  #load(): void {
    if (this.#path === undefined) return;
    try {
      const hosts = loadLastScan(this.#path, this.#scope);
      this.#hosts = hosts && new Map(hosts.map((host) => [host.address, host]));
    } catch (caught) {
      const { message, code, hint } = AmoskysError.from(caught);
      this.#context.observer.log("warn", `scan: ${message}; what changed since then is not told`, { code, hint });
    }
  }

  /** A scan that cannot be kept is still the last one for as long as the agent runs. */
  #save(hosts: Hosts): void {
    if (this.#path === undefined) return;
    let reason: string | undefined;
    try {
      saveLastScan(this.#path, this.#scope, hosts.values());
    } catch (caught) {
      reason = `the scan cannot be kept in ${this.#path}: ${AmoskysError.from(caught).message}`;
    }
    this.#note("last scan", reason, `scan: ${reason}`, { hint: `df ${this.#path}` });
  }

  async round(signal: AbortSignal): Promise<void> {
    const untried = new Map<string, number>();
    const means = this.#means(signal, untried);
    try {
      await this.#scan(means, signal);
    } finally {
      means.prober.close();
    }
    const counts = [...untried].map(([reason, count]) => `${count} ${reason}`).join(", ");
    const reason =
      untried.size > 0 ? `ports that this host could not try: ${[...untried.keys()].join(", ")}` : undefined;
    this.#note("ports", reason, `scan: ports that this host could not try: ${counts}`, {
      hint: "ip route, and ulimit -n; a smaller scan.max_concurrent takes fewer descriptors",
    });
  }

  async #scan(means: ScanMeans, signal: AbortSignal): Promise<void> {
    const before = this.#hosts;
    const candidates = await findCandidates({
      targets: await this.#addresses(signal),
      means,
      onAsked: () => {
        this.#totals.arp_asked += 1;
      },
      onArp: (networkInterface, error) => this.#noteArp(networkInterface, error),
    });
    const moved = movedHosts(before, candidates);
    const hosts = new Map<string, HostReading>();
    await forEachAtOnce(candidates, hostsAtOnce, signal, async (candidate) => {
      const earlier = before?.get(candidate.address) ?? moved.get(candidate.address);
      const host = await this.#look(candidate, earlier, means);
      if (!host || signal.aborted) return;
      hosts.set(host.address, keepSilent(host, earlier));
      this.#tell(host, earlier, before === undefined);
    });
    // a scan that was broken off says nothing of those it did not see
    if (signal.aborted) return;
    this.#tellGone(before, hosts);
    this.#hosts = hosts;
    this.#save(hosts);
    this.#context.observer.gauge("amoskys_scan_hosts", hosts.size);
    this.#context.observer.gauge("amoskys_scan_open_ports", openPortCount(hosts));
  }

  describe(): RoundsReport {
    const [hosts, open] = [this.#hosts?.size ?? 0, openPortCount(this.#hosts)];
    const seen = this.#hosts ? `${hosts} hosts with ${open} open ports` : "the first scan runs";
    return {
      message: seen,
      degraded: [...this.#problems.values()].join("; "),
      figures: { hosts, open_ports: open, ...this.#totals },
    };
  }

  #means(signal: AbortSignal, untried: Map<string, number>): ScanMeans {
    const { clock, observer } = this.#context;
    const { rate, max_concurrent, connect_timeout_s } = this.#config;
    // most places are for finding ports, the rest for those that take their time to say what they are
    const places = Math.floor(max_concurrent / 4);
    const connects = new Slots(max_concurrent - places);
    return {
      config: this.#config,
      pace: new Pace(rate, clock),
      prober: new PortProber({ clock, timeoutMs: connect_timeout_s * 1000, signal }),
      connects,
      services: places > 0 ? new Slots(places) : connects,
      clock,
      signal,
      random: () => crypto.getRandomValues(new Uint8Array(32)),
      onPort: ({ state, reason }) => {
        this.#totals.connects += 1;
        observer.count("amoskys_scan_ports_total", { state });
        if (reason !== undefined) untried.set(reason, (untried.get(reason) ?? 0) + 1);
      },
    };
  }

  /** The targets with what their names stand for now. */
  async #addresses(signal: AbortSignal): Promise<AddressRange[]> {
    const parts = await Promise.all(
      this.#targets.map(async (target) => {
        if (!("name" in target)) return [target];
        const resolved = await resolveName(target.name, signal);
        if (!signal.aborted) this.#noteName(target.name, resolved);
        if (resolved.problem !== "unknown") this.#resolved.set(target.name, resolved.addresses);
        return this.#resolved.get(target.name) ?? [];
      }),
    );
    return parts.flat();
  }

  async #look(
    candidate: Candidate,
    earlier: HostReading | undefined,
    means: ScanMeans,
  ): Promise<HostReading | undefined> {
    const { address, certain } = candidate;
    if (!certain && !earlier && !(await answersTcp(address, this.#discoveryPorts, means))) return undefined;
    const expected = new Set(earlier?.open.map(({ port }) => port));
    const { answered, open, failed } = await scanPorts(address, this.#ports, expected, means);
    // where nothing could be tried, a host that was there has not gone
    const unjudged = earlier !== undefined && failed.length > 0;
    if (candidate.hardwareAddress === undefined && !answered && !unjudged) return undefined;
    const { resolver: server, banner_timeout_s } = this.#config;
    const timeoutMs = banner_timeout_s * 1000;
    // a device keeps its identity while ARP cannot be used
    const hardwareAddress = candidate.hardwareAddress ?? earlier?.hardwareAddress;
    const reading: HostReading = {
      address,
      hardwareAddress,
      vendor: hardwareAddress === undefined ? undefined : hardwareVendor(hardwareAddress),
      name: server === undefined ? undefined : await reverseName(address, { server, timeoutMs, signal: means.signal }),
      method: candidate.hardwareAddress === undefined ? "TCP" : "ARP",
      open,
    };
    return keepUntried(reading, earlier, failed);
  }

  #tell(host: HostReading, earlier: HostReading | undefined, isFirst: boolean): void {
    const { clock, emit, observer } = this.#context;
    const changes = hostChanges(earlier, host);
    this.#totals.changes += isFirst ? 0 : changes.length;
    for (const { kind } of changes) observer.count("amoskys_scan_changes_total", { kind });
    const scan = { tsNs: clock.wallNs(), intervalMs: this.#config.interval_s * 1000, isFirst };
    for (const event of hostEvents(host, changes, scan)) emit(event);
  }

  #tellGone(before: Hosts | undefined, now: Hosts): void {
    const { clock, emit, observer } = this.#context;
    const scan = { tsNs: clock.wallNs(), intervalMs: this.#config.interval_s * 1000 };
    const here = new Set([...now.values()].map(deviceIdOf));
    for (const [address, host] of before ?? []) {
      // a device with a new address has not gone
      if (now.has(address) || here.has(deviceIdOf(host))) continue;
      this.#totals.changes += 1;
      observer.count("amoskys_scan_changes_total", { kind: "device.gone" });
      for (const event of goneEvents(host, scan)) emit(event);
    }
  }

  #noteArp(networkInterface: string, error: AmoskysError | undefined): void {
    if (error) this.#context.observer.count("amoskys_scan_arp_failures_total", { code: error.code });
    const reason = error && `without ARP: ${error.message}`;
    this.#note(`arp ${networkInterface}`, reason, `scan: ${reason}; its addresses are tried by TCP`, {
      code: error?.code,
      hint: error?.hint,
    });
  }

  #noteName(name: string, { problem }: ResolvedName): void {
    if (problem) this.#context.observer.count("amoskys_scan_refused_names_total", { reason: problem });
    const reason =
      problem &&
      `${name} ${problem === "unknown" ? "cannot be looked up" : "stands for an address that is not private"}`;
    this.#note(`name ${name}`, reason, `scan: ${reason}`, {
      hint: problem === "unknown" ? `getent hosts ${name}` : "name the address itself, if it is to be scanned",
    });
  }

  /** One line for as long as the reason is the same; no reason means that all is well again. */
  #note(part: string, reason: string | undefined, line: string, fields: LogFields): void {
    if (!reason) this.#problems.delete(part);
    if (!reason || this.#problems.get(part) === reason) return;
    this.#problems.set(part, reason);
    this.#context.observer.log("warn", line, fields);
  }
}

function openPortCount(hosts: Hosts | undefined): number {
  return [...(hosts?.values() ?? [])].reduce((sum, { open }) => sum + open.length, 0);
}
