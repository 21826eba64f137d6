import { lookup } from "node:dns/promises";
import { AmoskysError, errnoOf } from "../../core/errors.ts";
import { printable } from "../../core/escape.ts";
import type { DiscardReason } from "./answer-gate.ts";
import type { Chassis } from "./chassis.ts";
import type { SnmpConfig, SnmpDeviceConfig } from "./config.ts";
import type { SnmpPlan } from "./plan.ts";
import { type DeviceReading, readDevice } from "./read-device.ts";
import type { DeviceBudget } from "./reading-budget.ts";
import { openSession, type SnmpSession } from "./session.ts";

export interface PollOptions {
  readonly plan: SnmpPlan;
  readonly config: SnmpConfig;
  /** Aborts when the agent is to stop. */
  readonly signal: AbortSignal;
  /** What an earlier round learned of it. */
  readonly knownChassis: Chassis | undefined;
  readonly budget: DeviceBudget;
  monotonicMs(): number;
  onDiscard(reason: DiscardReason): void;
}

/** One try at one device. */
export interface PolledDevice {
  /** Empty where the name has none. */
  readonly address: string;
  readonly reading: DeviceReading | undefined;
  /** The first thing that went wrong. */
  readonly failure: AmoskysError | undefined;
}

async function addressOf(host: string): Promise<{ address: string; family: 4 | 6 }> {
  try {
    const { address, family } = await lookup(host);
    return { address, family: family === 6 ? 6 : 4 };
  } catch (caught) {
    throw new AmoskysError("unreachable", `${printable(host)} has no address: ${errnoOf(caught) ?? "unknown"}`);
  }
}

/** Reads a device within its deadline and closes its socket in any case. Never throws: what failed is in the answer. */
export async function pollDevice(device: SnmpDeviceConfig, options: PollOptions): Promise<PolledDevice> {
  const { plan, config, signal, knownChassis, budget, monotonicMs, onDiscard } = options;
  const deadlineMs = config.deadline_s * 1000;
  const late = new AmoskysError("timeout", `${printable(device.host)} took longer than ${config.deadline_s} s`);
  let session: SnmpSession | undefined;
  let ended: AmoskysError | undefined;
  let address = "";
  const over = Promise.withResolvers<never>();
  over.promise.catch(() => {});
  const end = (reason: AmoskysError) => {
    ended = reason;
    session?.close(reason);
    over.reject(reason);
  };
  const timer = setTimeout(() => end(late), deadlineMs);
  const stop = () => end(new AmoskysError("interrupted", "The agent is being stopped"));
  signal.addEventListener("abort", stop, { once: true });
  try {
    // looking a name up cannot be ended; it is left behind
    const found = await Promise.race([addressOf(device.host), over.promise]);
    address = found.address;
    session = await openSession({
      ...found,
      port: device.port,
      access: device,
      timeoutMs: config.timeout_s * 1000,
      retries: config.retries,
      onDiscard,
    });
    if (ended) session.close(ended);
    const limits = { repetitions: config.max_repetitions, interfacesMax: config.max_interfaces, budget };
    const reading = await readDevice(session, plan, limits, monotonicMs, knownChassis);
    return { address, reading, failure: reading.failures[0] };
  } catch (caught) {
    return { address, reading: undefined, failure: AmoskysError.from(caught) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    session?.close();
  }
}
