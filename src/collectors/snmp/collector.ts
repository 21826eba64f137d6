import { setImmediate } from "node:timers/promises";
import type { CollectorContext } from "../../core/collector.ts";
import { emitAll } from "../../core/emit-all.ts";
import { AmoskysError } from "../../core/errors.ts";
import { printable } from "../../core/escape.ts";
import {
  definePollingCollector,
  type PolledOptions,
  type Rounds,
  type RoundsReport,
} from "../../core/polling-collector.ts";
import type { SnmpConfig, SnmpDeviceConfig } from "./config.ts";
import { deviceEvents } from "./device-telemetry.ts";
import { searchSubnets } from "./discovery.ts";
import { createPlan, type SnmpPlan } from "./plan.ts";
import { pollDevice } from "./poll-device.ts";
import { type DeviceBudget, ReadingBudget } from "./reading-budget.ts";
import { libraryUser } from "./user-security.ts";
import { WatchedDevice } from "./watched-device.ts";

/** Names of devices in the line for people. */
const namedMax = 5;

/** The collector `snmp`. */
export const snmpCollector = definePollingCollector(
  "snmp",
  (options: PolledOptions<SnmpConfig>, context) => new SnmpRounds(options, context),
);

class SnmpRounds implements Rounds {
  readonly #config: SnmpConfig;
  readonly #once: boolean;
  readonly #context: CollectorContext;
  readonly #plan: SnmpPlan;
  readonly #devices: readonly WatchedDevice[];
  readonly #budget: ReadingBudget;
  /** By address; what searches found. */
  #discovered = new Map<string, WatchedDevice>();
  #search: Promise<void> | undefined;
  #searchedMs = -Infinity;
  /** Why the last search that ended did not ask all addresses. */
  #searchFailure: string | undefined;
  #interfaces = 0;
  readonly #totals = { answers: 0, failures: 0, discarded: 0, asked: 0, unasked: 0 };

  constructor({ config, once }: PolledOptions<SnmpConfig>, context: CollectorContext) {
    this.#config = config;
    this.#once = once;
    this.#context = context;
    this.#budget = new ReadingBudget(config.max_concurrent);
    this.#plan = createPlan(config, context.home ?? process.cwd());
    this.#devices = this.#plan.devices.map((device) => new WatchedDevice(device));
  }

  open(): void {
    const { enabled, user } = this.#config.discovery;
    if (enabled && user) libraryUser(user);
    for (const correction of this.#plan.corrections)
      this.#context.observer.log("info", `snmp: ${printable(correction)}`, {});
    if (this.#devices.length > 0 || enabled) return;
    throw new AmoskysError("config_invalid", "There is no device to poll: snmp.devices is empty and discovery is off", {
      hint: "set snmp.devices in config/amoskys.yaml, or snmp.devices_file",
    });
  }

  async round(signal: AbortSignal): Promise<void> {
    this.#interfaces = 0;
    await this.#pollAll(this.#all(), signal);
    // a search begins when the addresses of the configured devices are known, so that it finds none of them
    this.#startSearch(signal);
    if (this.#once && this.#search) {
      await this.#search;
      await this.#pollAll(this.#found(), signal);
    }
    this.#report();
  }

  async #pollAll(devices: readonly WatchedDevice[], signal: AbortSignal): Promise<void> {
    // what did not answer last time comes last, so that it keeps nobody waiting
    const queue = devices.toSorted((a, b) => Number(a.status === "OFFLINE") - Number(b.status === "OFFLINE"));
    const next = async (): Promise<void> => {
      for (let device = queue.shift(); device && !signal.aborted; device = queue.shift())
        await this.#poll(device, signal);
    };
    await Promise.all(Array.from({ length: Math.min(this.#config.max_concurrent, devices.length) }, next));
  }

  async close(): Promise<void> {
    await this.#search;
  }

  describe(): RoundsReport {
    const counts = this.#counts();
    const all = this.#all();
    const unread = all.filter(({ isRead }) => isRead === false);
    const names = unread.slice(0, namedMax).map(({ label }) => printable(label));
    const more = unread.length > namedMax ? ` and ${unread.length - namedMax} more` : "";
    const message = `${all.filter(({ isRead }) => isRead).length} of ${all.length} devices answer`;
    // a dead device among many is what this agent is here to tell; that none answers may well be a fault of its own
    const silence = all.length > 0 && unread.length === all.length ? "no device answers" : undefined;
    return {
      message: unread.length === 0 ? message : `${message}; not: ${names.join(", ")}${more}`,
      degraded: silence ?? this.#searchFailure,
      figures: { ...counts, interfaces: this.#interfaces, ...this.#totals },
    };
  }

  async #poll(device: WatchedDevice, signal: AbortSignal): Promise<void> {
    const budget = this.#budget.open();
    try {
      await this.#pollWithin(device, budget, signal);
    } finally {
      budget.close();
    }
  }

  async #pollWithin(device: WatchedDevice, budget: DeviceBudget, signal: AbortSignal): Promise<void> {
    const { clock, observer, emit, room } = this.#context;
    const startedMs = clock.monotonicMs();
    const polled = await pollDevice(device.config, {
      plan: this.#plan,
      config: this.#config,
      signal,
      knownChassis: device.chassis,
      budget,
      monotonicMs: () => clock.monotonicMs(),
      onDiscard: (reason) => {
        this.#totals.discarded += 1;
        observer.count("amoskys_snmp_discarded_answers_total", { reason });
      },
    });
    if (signal.aborted) return;
    observer.observe("amoskys_snmp_device_seconds", (clock.monotonicMs() - startedMs) / 1000);
    const tsNs = clock.wallNs();
    const wasRenamed = device.isRenamed;
    const outcome = device.update(polled, tsNs, (id) => this.#isTaken(id, device));
    if (device.isRenamed && !wasRenamed) {
      const host = printable(device.config.host);
      const message = `snmp: ${host} has another device's name: it is ${printable(device.label)}`;
      observer.log("warn", message, { hint: "set its name in snmp.devices" });
    }
    this.#note(device, polled.failure);
    if (outcome.status === undefined) {
      this.#totals.unasked += 1;
      observer.count("amoskys_snmp_unasked_devices_total");
    }
    if (polled.reading) this.#totals.answers += 1;
    this.#interfaces += polled.reading?.interfaces.length ?? 0;
    const events = deviceEvents(outcome, this.#plan, tsNs, this.#config.interval_s * 1000);
    // a device may have more to tell than can be encoded without keeping others waiting
    const roomAfterOthers = () => setImmediate().then(room);
    await emitAll({ emit, room: roomAfterOthers }, events, signal);
  }

  #note(device: WatchedDevice, failure: AmoskysError | undefined): void {
    const { clock, observer } = this.#context;
    if (failure) {
      this.#totals.failures += 1;
      observer.count("amoskys_snmp_failures_total", { code: failure.code });
    }
    if (!device.problems.isNews(failure?.code, clock.monotonicMs())) return;
    const name = printable(device.label);
    if (!failure) observer.log("info", `snmp: ${name} is well again`);
    else observer.log("warn", `snmp: ${name}: ${failure.message}`, { code: failure.code, hint: failure.hint });
  }

  /** Begins a search when one is due; it runs beside the rounds. */
  #startSearch(signal: AbortSignal): void {
    const { discovery } = this.#config;
    const { clock, observer } = this.#context;
    if (!discovery.enabled || this.#search) return;
    if (clock.monotonicMs() - this.#searchedMs < discovery.interval_s * 1000) return;
    this.#searchedMs = clock.monotonicMs();
    const found = new Map<string, SnmpDeviceConfig>();
    const search = searchSubnets({
      config: discovery,
      known: this.#knownAddresses(),
      signal,
      onAsked: () => {
        this.#totals.asked += 1;
        observer.count("amoskys_snmp_addresses_asked_total");
      },
      onFound: (device) => found.set(device.host, device),
    });
    this.#search = search.then(
      () => {
        this.#search = undefined;
        this.#searchFailure = undefined;
        if (!signal.aborted) this.#takeFound(found);
      },
      (caught: unknown) => {
        const { code, message, hint } = AmoskysError.from(caught);
        this.#search = undefined;
        this.#searchFailure = `the search failed: ${message}`;
        observer.log("warn", `snmp: ${this.#searchFailure}`, { code, hint });
        this.#takeFound(found);
      },
    );
  }

  /** Devices that a search no longer finds and that do not answer are forgotten. */
  #takeFound(found: ReadonlyMap<string, SnmpDeviceConfig>): void {
    const kept = [...this.#discovered].filter(([host, { status }]) => found.has(host) || status !== "OFFLINE");
    const added = [...found].filter(([host]) => !this.#discovered.has(host));
    this.#discovered = new Map([...kept, ...added.map(([host, device]) => [host, new WatchedDevice(device)] as const)]);
    for (const [host] of added) this.#context.observer.log("info", `snmp: found ${host}`);
  }

  #isTaken(id: string, by: WatchedDevice): boolean {
    const has = (other: WatchedDevice) => other !== by && other.answersTo(id);
    return this.#devices.some(has) || this.#discovered.values().some(has);
  }

  #all(): readonly WatchedDevice[] {
    return [...this.#devices, ...this.#found()];
  }

  /** What searches found beside the configured devices: a name may have come to mean an address that was found. */
  #found(): readonly WatchedDevice[] {
    const known = this.#knownAddresses();
    return [...this.#discovered].flatMap(([address, device]) => (known.has(address) ? [] : [device]));
  }

  /** Of configured devices: as configured, and as their names were last resolved. */
  #knownAddresses(): ReadonlySet<string> {
    return new Set(this.#devices.flatMap(({ config, address }) => [config.host, address]));
  }

  #counts(): { online: number; degraded: number; offline: number } {
    const counts = { online: 0, degraded: 0, offline: 0 };
    for (const { status } of this.#all()) {
      if (status) counts[status.toLowerCase() as keyof typeof counts] += 1;
    }
    return counts;
  }

  #report(): void {
    const { observer } = this.#context;
    for (const [state, count] of Object.entries(this.#counts())) {
      observer.gauge("amoskys_snmp_devices", count, { state });
    }
    observer.gauge("amoskys_snmp_interfaces", this.#interfaces);
  }
}
