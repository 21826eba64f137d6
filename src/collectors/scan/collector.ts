import type { CollectorContext, CollectorDefinition, CollectorHealth } from "../../core/collector.ts";
import { AmoskysError } from "../../core/errors.ts";
import { createPollingCollector } from "../../core/polling-collector.ts";
import { hardwareVendor } from "../../data/oui.ts";
import { type AddressRange, parseTarget } from "./address-range.ts";
import type { ScanConfig } from "./config.ts";
import { deviceIdOf, type HostReading, hostChanges, keepUntried } from "./host-changes.ts";
import { goneEvents, hostEvents } from "./host-telemetry.ts";
import { Pace } from "./pace.ts";
import { parsePorts } from "./port-list.ts";
import { reverseName } from "./reverse-names.ts";
import { answersTcp, type ScanMeans, scanPorts } from "./scan-host.ts";
import { type Candidate, findCandidates } from "./scan-targets.ts";
import { forEachAtOnce, Slots } from "./slots.ts";

export interface ScanCollectorOptions {
  readonly config: ScanConfig;
  readonly once: boolean;
}

/** Hosts in work at once: one that keeps us waiting takes one of these places. */
const hostsAtOnce = 64;

/** The collector `scan`. */
export const scanCollector: CollectorDefinition<ScanCollectorOptions> = {
  name: "scan",
  create: ({ config, once }, context) => {
    const scans = new Scans(config, context);
    return createPollingCollector({
      name: "scan",
      intervalMs: config.interval_s * 1000,
      once,
      open: async () => scans.open(),
      round: (signal) => scans.round(signal),
      describe: () => scans.describe(),
      clock: context.clock,
      observer: context.observer,
    });
  },
};

class Scans {
  readonly #config: ScanConfig;
  readonly #context: CollectorContext;
  readonly #targets: readonly AddressRange[];
  readonly #ports: readonly number[];
  readonly #discoveryPorts: readonly number[];
  /** By address, as the last scan saw them; undefined before the first. */
  #hosts: ReadonlyMap<string, HostReading> | undefined;
  #arpProblem: string | undefined;
  readonly #totals = { connects: 0, arp_asked: 0, changes: 0 };

  constructor(config: ScanConfig, context: CollectorContext) {
    this.#config = config;
    this.#context = context;
    this.#targets = config.targets.map(parseTarget);
    this.#ports = parsePorts(config.ports);
    this.#discoveryPorts = parsePorts(config.discovery_ports);
  }

  open(): void {
    if (this.#targets.length > 0) return;
    throw new AmoskysError("config_invalid", "There is nothing to scan: scan.targets is empty", {
      hint: "set scan.targets in config/amoskys.yaml, or --target 192.168.1.0/24",
    });
  }

  async round(signal: AbortSignal): Promise<void> {
    const before = this.#hosts;
    const means = this.#means(signal);
    const candidates = await findCandidates({
      targets: this.#targets,
      means,
      onAsked: () => {
        this.#totals.arp_asked += 1;
      },
      onArpFailure: (error) => this.#noteArp(error),
    });
    const hosts = new Map<string, HostReading>();
    await forEachAtOnce(candidates, hostsAtOnce, signal, async (candidate) => {
      const host = await this.#look(candidate, means);
      if (!host || signal.aborted) return;
      hosts.set(host.address, host);
      this.#tell(host, before);
    });
    // a scan that was broken off says nothing of those it did not see
    if (signal.aborted) return;
    this.#tellGone(before, hosts);
    this.#hosts = hosts;
    const { observer } = this.#context;
    observer.gauge("amoskys_scan_hosts", hosts.size);
    observer.gauge(
      "amoskys_scan_open_ports",
      [...hosts.values()].reduce((sum, { open }) => sum + open.length, 0),
    );
  }

  describe(): Pick<CollectorHealth, "message" | "figures"> {
    const hosts = [...(this.#hosts?.values() ?? [])];
    const open = hosts.reduce((sum, host) => sum + host.open.length, 0);
    const message = this.#hosts ? `${hosts.length} hosts with ${open} open ports` : "the first scan runs";
    return {
      message: this.#arpProblem === undefined ? message : `${message}; without ARP: ${this.#arpProblem}`,
      figures: { hosts: hosts.length, open_ports: open, ...this.#totals },
    };
  }

  #means(signal: AbortSignal): ScanMeans {
    const { clock, observer } = this.#context;
    const { rate, max_concurrent } = this.#config;
    // most places are for finding ports, the rest for those that take their time to say what they are
    const services = Math.max(1, Math.floor(max_concurrent / 4));
    return {
      config: this.#config,
      pace: new Pace(rate, clock),
      connects: new Slots(Math.max(1, max_concurrent - services)),
      services: new Slots(services),
      clock,
      signal,
      random: () => crypto.getRandomValues(new Uint8Array(32)),
      onPort: (state) => {
        this.#totals.connects += 1;
        observer.count("amoskys_scan_ports_total", { state });
      },
    };
  }

  async #look(candidate: Candidate, means: ScanMeans): Promise<HostReading | undefined> {
    const { address, hardwareAddress, certain } = candidate;
    const earlier = this.#hosts?.get(address);
    if (!certain && !earlier && !(await answersTcp(address, this.#discoveryPorts, means))) return undefined;
    const expected = new Set(earlier?.open.map(({ port }) => port));
    const { answered, open, failed } = await scanPorts(address, this.#ports, expected, means);
    // where nothing could be tried, a host that was there has not gone
    const unjudged = earlier !== undefined && failed.length > 0;
    if (hardwareAddress === undefined && !answered && !unjudged) return undefined;
    const { resolver, banner_timeout_s } = this.#config;
    const reading: HostReading = {
      address,
      hardwareAddress,
      vendor: hardwareAddress === undefined ? undefined : hardwareVendor(hardwareAddress),
      name: resolver === undefined ? undefined : await reverseName(address, resolver, banner_timeout_s * 1000),
      method: hardwareAddress === undefined ? "TCP" : "ARP",
      open,
    };
    return keepUntried(reading, earlier, failed);
  }

  #tell(host: HostReading, before: ReadonlyMap<string, HostReading> | undefined): void {
    const { clock, emit, observer } = this.#context;
    const changes = hostChanges(before?.get(host.address), host);
    this.#totals.changes += before ? changes.length : 0;
    for (const { kind } of changes) observer.count("amoskys_scan_changes_total", { kind });
    const scan = { tsNs: clock.wallNs(), intervalMs: this.#config.interval_s * 1000, isFirst: before === undefined };
    for (const event of hostEvents(host, changes, scan)) emit(event);
  }

  #tellGone(before: ReadonlyMap<string, HostReading> | undefined, now: ReadonlyMap<string, HostReading>): void {
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

  /** One line for as long as the reason is the same. */
  #noteArp(error: AmoskysError): void {
    if (this.#arpProblem === error.message) return;
    this.#arpProblem = error.message;
    this.#context.observer.log("warn", `scan: without ARP, by TCP alone: ${error.message}`, {
      code: error.code,
      hint: error.hint,
    });
  }
}
