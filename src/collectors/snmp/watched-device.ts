import type { Chassis } from "./chassis.ts";
import type { SnmpDeviceConfig } from "./config.ts";
import { CounterWatch } from "./counter-watch.ts";
import { type DeviceStatus, statusOf } from "./device-status.ts";
import type { DeviceOutcome } from "./device-telemetry.ts";
import { InterfaceWatch } from "./interface-status.ts";
import type { PolledDevice } from "./poll-device.ts";
import { ProblemWatch } from "./problem-watch.ts";
import { systemObjects } from "./read-device.ts";
import { UptimeWatch } from "./uptime-watch.ts";
import { numberOf, textOf } from "./values.ts";

const deviceIdCharsMax = 128;

/** A device over the rounds: what it is called, and in which state it was. */
export class WatchedDevice {
  readonly config: SnmpDeviceConfig;
  /** Of the last round; undefined before the first, and where this host could not ask. */
  status: DeviceStatus | undefined;
  /** Whether the last round read anything of it; undefined before the first. */
  isRead: boolean | undefined;
  /** Where it was last asked; empty before, and where its name has none. */
  address = "";
  readonly problems = new ProblemWatch();
  /** Whether its sysName is another device's id, so that its own has its address behind it. */
  isRenamed = false;
  /** Known since it last began to run or was away: it cannot have become another one since. */
  chassis: Chassis | undefined;
  readonly #interfaces = new InterfaceWatch();
  readonly #uptime = new UptimeWatch();
  readonly #counters = new CounterWatch();
  /** The last that was known. */
  #known: DeviceStatus | undefined;
  #changedNs = 0n;
  #id: string | undefined;

  constructor(config: SnmpDeviceConfig) {
    this.config = config;
    this.#id = config.name;
  }

  /** What people call it: the configured name, else sysName once it was heard, else the host as configured. */
  get label(): string {
    return this.#id ?? this.config.host;
  }

  /** Whether `id` is what this device is called, or may be called yet. */
  answersTo(id: string): boolean {
    return id === this.label || id === this.address;
  }

  /** Notes the end of a round; `isTaken` says whether another device has an id. */
  update(polled: PolledDevice, nowNs: bigint, isTaken: (id: string) => boolean): DeviceOutcome {
    const { address, reading, failure } = polled;
    const status = statusOf(polled);
    const previous = this.#known;
    if (status !== undefined && status !== previous) this.#changedNs = nowNs;
    this.status = status;
    this.#known = status ?? previous;
    this.isRead = reading !== undefined;
    this.address = address;
    const uptime = this.#uptime.update(numberOf(reading?.scalars.get(systemObjects.sysUpTime)), nowNs);
    // a chassis that is known from before a restart may be of another device
    this.chassis = uptime?.isRestarted && this.chassis ? undefined : reading?.chassis;
    this.#id ??= this.#idOf(textOf(reading?.scalars.get(systemObjects.sysName)), isTaken);
    if (reading) this.#counters.begin();
    return {
      deviceId: this.#id ?? (address || this.config.host),
      address,
      tags: this.config.tags,
      status,
      previous,
      changedNs: this.#changedNs,
      reading,
      counters: this.#counters,
      uptimeTicks: uptime?.ticks,
      interfaceChanges: this.#interfaces.update(reading?.interfaces ?? [], reading?.hasAllInterfaces ?? false),
      problem: failure?.message ?? (reading?.isCut ? "A table has more rows than are read" : undefined),
    };
  }

  /** A device chooses its sysName: what does not print is left out, and no other device's id can be had by it. */
  #idOf(sysName: string | undefined, isTaken: (id: string) => boolean): string | undefined {
    const place = `@${this.address}:${this.config.port}`;
    const plain = (sysName ?? "").replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "").trim();
    const id = plain.slice(0, deviceIdCharsMax - place.length).toWellFormed();
    if (id === "") return undefined;
    this.isRenamed = isTaken(id);
    return this.isRenamed ? `${id}${place}` : id;
  }
}
