import { setTimeout } from "node:timers/promises";
import { AmoskysError } from "../../core/errors.ts";
import { hostAddresses } from "../../core/ip-range.ts";
import type { SnmpConfig, SnmpDeviceConfig } from "./config.ts";
import { statusFor } from "./device-status.ts";
import { systemObjects } from "./read-device.ts";
import { openSession, type SnmpSession } from "./session.ts";
import { parseSubnet } from "./subnet.ts";

export interface SearchOptions {
  readonly config: SnmpConfig["discovery"];
  /** Addresses that are devices already: they are not asked. */
  readonly known: ReadonlySet<string>;
  /** Aborts when the agent is to stop. */
  readonly signal: AbortSignal;
  onAsked(): void;
  onFound(device: SnmpDeviceConfig): void;
}

/**
 * Searches the configured ranges once: one question to each address, never faster than the rate, nothing beyond. Throws
 * at its end where this host could not ask an address.
 */
export async function searchSubnets(options: SearchOptions): Promise<void> {
  const { config, known, signal } = options;
  const open = new Set<Promise<void>>();
  const unasked: AmoskysError[] = [];
  for (const subnet of config.subnets) {
    for (const address of hostAddresses(parseSubnet(subnet))) {
      if (signal.aborted) break;
      if (known.has(address)) continue;
      const asking = askAddress(address, options)
        .then((fault) => void (fault && unasked.push(fault)))
        .finally(() => open.delete(asking));
      open.add(asking);
      // an abort ends the wait, and the loop with it
      await setTimeout(1000 / config.rate, undefined, { signal }).catch(() => {});
    }
  }
  await Promise.all(open);
  const [first] = unasked;
  if (!first || signal.aborted) return;
  const { code, message, hint, details } = first;
  const many = unasked.length === 1 ? "an address" : `${unasked.length} addresses`;
  throw new AmoskysError(code, `${many} could not be asked: ${message}`, { details, ...(hint ? { hint } : {}) });
}

/** Answers why this host could not ask. */
async function askAddress(address: string, options: SearchOptions): Promise<AmoskysError | undefined> {
  const { config, signal, onAsked, onFound } = options;
  const { port, version, community, user } = config;
  const access = { version, community, user };
  onAsked();
  let session: SnmpSession | undefined;
  const stop = () => session?.close();
  signal.addEventListener("abort", stop, { once: true });
  try {
    session = await openSession({ address, family: 4, port, access, timeoutMs: config.timeout_s * 1000, retries: 0 });
    if (signal.aborted) return undefined;
    await session.get([systemObjects.sysObjectID]);
    onFound({ host: address, port, ...access, enabled: true, tags: ["discovered"] });
    return undefined;
  } catch (caught) {
    // nobody there, or nobody that lets us in: the address stays unknown
    const failure = AmoskysError.from(caught);
    return statusFor(failure) === undefined ? failure : undefined;
  } finally {
    signal.removeEventListener("abort", stop);
    session?.close();
  }
}
