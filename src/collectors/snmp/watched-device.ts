import type { Chassis } from "./chassis.ts";
import type { SnmpDeviceConfig } from "./config.ts";
import type { DeviceOutcome, DeviceStatus } from "./device-telemetry.ts";
import { InterfaceWatch } from "./interface-status.ts";
import type { PolledDevice } from "./poll-device.ts";
import { systemObjects } from "./read-device.ts";
import { numberOf, textOf } from "./values.ts";

const deviceIdCharsMax = 128;

/** A device over the rounds: what it is called, and in which state it was. */
export class WatchedDevice {
  readonly config: SnmpDeviceConfig;
  status: DeviceStatus | undefined;
  /** The message last logged, so that one state is one line. */
  problem: string | undefined;
  /** Known since it last began to run or was away: it cannot have become another one since. */
  chassis: Chassis | undefined;
  readonly #interfaces = new InterfaceWatch();
  #uptimeTicks = 0;
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

  /** Notes the end of a round. */
  update({ address, reading, failure }: PolledDevice, nowNs: bigint): DeviceOutcome {
    const status = reading === undefined ? "OFFLINE" : failure || reading.isCut ? "DEGRADED" : "ONLINE";
    const previous = this.status;
    if (status !== previous) this.#changedNs = nowNs;
    this.status = status;
    const uptimeTicks = numberOf(reading?.scalars.get(systemObjects.sysUpTime)) ?? 0;
    this.chassis = uptimeTicks < this.#uptimeTicks ? undefined : reading?.chassis;
    this.#uptimeTicks = uptimeTicks;
    this.#id ??= textOf(reading?.scalars.get(systemObjects.sysName))?.slice(0, deviceIdCharsMax) || undefined;
    return {
      deviceId: this.#id ?? (address || this.config.host),
      address,
      tags: this.config.tags,
      status,
      previous,
      changedNs: this.#changedNs,
      reading,
      interfaceChanges: this.#interfaces.update(reading?.interfaces ?? []),
      problem: failure?.message ?? (reading?.isCut ? "A table has more rows than are read" : undefined),
    };
  }
}
