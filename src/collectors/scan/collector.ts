import { join } from "node:path";
import type { CollectorContext } from "../../core/collector.ts";
import { emitAll } from "../../core/emit-all.ts";
import { AmoskysError } from "../../core/errors.ts";
import type { CollectedEvent } from "../../core/event.ts";
import type { IpRange } from "../../core/ip-range.ts";
import {
  definePollingCollector,
  type PolledOptions,
  type Rounds,
  type RoundsReport,
} from "../../core/polling-collector.ts";
import { hardwareVendor } from "../../data/oui.ts";
import type { ScanConfig } from "./config.ts";
import { type HostChange, type HostReading, hostChanges, keepSilent, keepUntried } from "./host-changes.ts";
import { goneEvents, hostEvents } from "./host-telemetry.ts";
import { type HostRecord, type KnownHost, KnownHosts } from "./known-hosts.ts";
import { loadLastScan, type ScanScope, saveLastScan } from "./last-scan.ts";
import { Pace } from "./pace.ts";
import { parseTarget, type Target } from "./parse-target.ts";
import { parsePorts } from "./port-list.ts";
import { PortProber } from "./port-prober.ts";
import { resolveName } from "./resolve-names.ts";
import { reverseName } from "./reverse-names.ts";
import { answersTcp, type ScanMeans, scanPorts } from "./scan-host.ts";
import { ScanProblems } from "./scan-problems.ts";
import { type Candidate, findCandidates } from "./scan-targets.ts";
import { forEachAtOnce, Slots } from "./slots.ts";
import { type InterfaceRange, isInAny, unpluggedNetworks } from "./unplugged-networks.ts";

/** Hosts in work at once: one that keeps us waiting takes one of these places. */
const hostsAtOnce = 64;

/** The collector `scan`. */
export const scanCollector = definePollingCollector(
  "scan",
  ({ config }: PolledOptions<ScanConfig>, context) => new Scans(config, context),
);

class Scans implements Rounds {
  readonly #config: ScanConfig;
  readonly #context: CollectorContext;
  readonly #targets: readonly Target[];
  readonly #ports: readonly number[];
  readonly #discoveryPorts: readonly number[];
  readonly #known = new KnownHosts();
  /** What names last stood for: one that cannot be looked up now has not lost its hosts. */
  readonly #resolved = new Map<string, readonly IpRange[]>();
  readonly #problems: ScanProblems;
  readonly #totals = { connects: 0, arp_asked: 0, changes: 0 };
  /** What of the scan that runs is done; undefined between scans. */
  #progress: { looked: number; readonly addresses?: number } | undefined;

  constructor(config: ScanConfig, context: CollectorContext) {
    this.#config = config;
    this.#context = context;
    this.#problems = new ScanProblems(context.observer);
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
      const record = loadLastScan(this.#path, this.#scope);
      if (record) this.#known.restore(record);
    } catch (caught) {
      const { message, code, hint } = AmoskysError.from(caught);
      this.#context.observer.log("warn", `scan: ${message}; what changed since then is not told`, { code, hint });
    }
  }

  /** A scan that cannot be kept is still the last one for as long as the agent runs. */
  #save(record: HostRecord): void {
    if (this.#path === undefined) return;
    try {
      saveLastScan(this.#path, this.#scope, record);
      this.#problems.noteKept(this.#path, undefined);
    } catch (caught) {
      this.#problems.noteKept(this.#path, AmoskysError.from(caught));
    }
  }

  async round(signal: AbortSignal): Promise<void> {
    const untried = new Map<string, number>();
    const means = this.#means(signal, untried);
    try {
      await this.#scan(means, signal);
    } finally {
      means.prober.close();
      this.#progress = undefined;
    }
    this.#problems.noteUntried(untried);
  }

  async #scan(means: ScanMeans, signal: AbortSignal): Promise<void> {
    const isFirst = this.#known.record === undefined;
    this.#progress = { looked: 0 };
    const targets = await this.#addresses(signal);
    const unplugged = unpluggedNetworks(targets);
    const { candidates: all, lossy } = await findCandidates({
      targets,
      means,
      onAsked: () => {
        this.#totals.arp_asked += 1;
      },
      onArp: (networkInterface, error) => this.#problems.noteArp(networkInterface, error),
      onDrops: (networkInterface, drops) => this.#problems.noteDrops(networkInterface, drops),
    });
    // who is behind no carrier is not tried
    const candidates = all.filter(({ address }) => !isInAny(address, unplugged));
    const progress = { looked: 0, addresses: candidates.length };
    this.#progress = progress;
    const recalled = this.#known.recall(candidates);
    const hosts = new Map<string, HostReading>();
    await forEachAtOnce(candidates, hostsAtOnce, signal, async (candidate) => {
      const earlier = recalled.get(candidate.address);
      const host = await this.#look(candidate, earlier, means);
      progress.looked += 1;
      if (!host || signal.aborted) return;
      hosts.set(host.address, keepSilent(host, earlier));
      await this.#tell(host, earlier, isFirst, signal);
    });
    // a scan that was broken off says nothing of those it did not see
    if (signal.aborted) return;
    const noCarrier = [...unplugged, ...unpluggedNetworks(targets)];
    this.#problems.noteUnplugged(new Set(noCarrier.map((network) => network.interface)));
    const unheard: InterfaceRange[] = [...lossy, ...noCarrier];
    const isUnheard = ({ address }: HostReading) => isInAny(address, unheard);
    await this.#tellGone(this.#known.replace(hosts, recalled, this.#context.clock.wallMs(), isUnheard), signal);
    const { record } = this.#known;
    if (record) this.#save(record);
    this.#context.observer.gauge("amoskys_scan_hosts", record?.hosts.length ?? 0);
    this.#context.observer.gauge("amoskys_scan_open_ports", openPortCount(record?.hosts ?? []));
  }

  describe(): RoundsReport {
    const record = this.#known.record;
    const [hosts, open] = [record?.hosts.length ?? 0, openPortCount(record?.hosts ?? [])];
    const seen = record ? `${hosts} hosts with ${open} open ports` : "no scan has ended yet";
    return {
      message: this.#progress ? `${seen}; ${progressText(this.#progress)}` : seen,
      degraded: this.#problems.text,
      figures: { hosts, open_ports: open, gone_hosts: record?.gone.length ?? 0, ...this.#totals },
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
  async #addresses(signal: AbortSignal): Promise<IpRange[]> {
    const parts = await Promise.all(
      this.#targets.map(async (target) => {
        if (!("name" in target)) return [target];
        const resolved = await resolveName(target.name, signal);
        if (!signal.aborted) this.#problems.noteName(target.name, resolved);
        if (resolved.problem !== "unknown") this.#resolved.set(target.name, resolved.addresses);
        return this.#resolved.get(target.name) ?? [];
      }),
    );
    return parts.flat();
  }

  async #look(
    candidate: Candidate,
    earlier: KnownHost | undefined,
    means: ScanMeans,
  ): Promise<HostReading | undefined> {
    const { address, certain } = candidate;
    const wasThere = earlier !== undefined && earlier.goneMs === undefined;
    if (!certain && !wasThere && !(await answersTcp(address, this.#discoveryPorts, means))) return undefined;
    const expected = new Set(earlier?.open.map(({ port }) => port));
    const { answered, open, failed } = await scanPorts(address, this.#ports, expected, means);
    // where nothing could be tried, a host that was there has not gone
    const unjudged = wasThere && failed.length > 0;
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

  async #tell(host: HostReading, earlier: KnownHost | undefined, isFirst: boolean, signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const changes = hostChanges(earlier, host);
    if (earlier?.goneMs !== undefined) {
      const away_s = Math.max(0, Math.round((clock.wallMs() - earlier.goneMs) / 1000));
      changes.unshift({ kind: "device.returned", away_s });
    }
    // of a first scan everything is new, and nothing has changed
    if (!isFirst) for (const { kind } of changes) this.#countChange(kind);
    const scan = { tsNs: clock.wallNs(), intervalMs: this.#config.interval_s * 1000, isFirst };
    await emitAll(this.#context, hostEvents(host, changes, scan), signal);
  }

  async #tellGone(gone: readonly HostReading[], signal: AbortSignal): Promise<void> {
    const scan = { tsNs: this.#context.clock.wallNs(), intervalMs: this.#config.interval_s * 1000 };
    if (gone.length > 0) this.#countChange("device.gone", gone.length);
    await emitAll(this.#context, eventsOfGone(gone, scan), signal);
  }

  #countChange(kind: HostChange["kind"] | "device.gone", by = 1): void {
    this.#totals.changes += by;
    this.#context.observer.count("amoskys_scan_changes_total", { kind }, by);
  }
}

function openPortCount(hosts: readonly HostReading[]): number {
  return hosts.reduce((sum, { open }) => sum + open.length, 0);
}

function progressText({ looked, addresses }: { looked: number; addresses?: number }): string {
  if (addresses === undefined) return "a scan runs, and looks who is there";
  return `a scan runs: ${looked} of ${addresses} addresses looked at`;
}

/** One host at a time, because many may have gone at once. */
function* eventsOfGone(
  gone: readonly HostReading[],
  scan: Parameters<typeof goneEvents>[1],
): Generator<CollectedEvent> {
  for (const host of gone) yield* goneEvents(host, scan);
}
