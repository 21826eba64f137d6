import { promises } from "node:dns";
import { type AddressRange, privateAddress } from "./address-range.ts";

/** What a name of a target stands for now. */
export interface ResolvedName {
  /** Its addresses that may be scanned. */
  readonly addresses: readonly AddressRange[];
  /** Why there is none, or not all. */
  readonly problem?: "unknown" | "not_private";
}

/** A name server that is gone keeps a scan waiting no longer. */
const timeoutMs = 5000;
/** Of one name. */
const addressesMax = 16;

/** Looks a name up as this host does (hosts file, name servers). Never throws. */
export async function resolveName(name: string, signal: AbortSignal): Promise<ResolvedName> {
  if (signal.aborted) return { addresses: [], problem: "unknown" };
  const late = Promise.withResolvers<{ address: string }[]>();
  const giveUp = () => late.resolve([]);
  const timer = setTimeout(giveUp, timeoutMs);
  signal.addEventListener("abort", giveUp);
  try {
    const found = await Promise.race([promises.lookup(name, { all: true }), late.promise]);
    const texts = [...new Set(found.map(({ address }) => address))];
    const addresses = texts.flatMap((text) => privateAddress(text) ?? []).slice(0, addressesMax);
    if (texts.length === 0) return { addresses, problem: "unknown" };
    const isWhole = texts.every((text) => privateAddress(text) !== undefined);
    return isWhole ? { addresses } : { addresses, problem: "not_private" };
  } catch {
    return { addresses: [], problem: "unknown" };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
  }
}
