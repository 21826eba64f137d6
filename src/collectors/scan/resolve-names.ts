import { promises } from "node:dns";
import type { IpRange } from "../../core/ip-range.ts";
import { orGiveUp } from "./give-up.ts";
import { type AddressProblem, resolvedTarget } from "./parse-target.ts";

/** What a name of a target stands for now. */
export interface ResolvedName {
  /** Its addresses that may be scanned. */
  readonly addresses: readonly IpRange[];
  /** Why there is none, or not all. */
  readonly problem?: "unknown" | AddressProblem;
}

/** A name server that is gone keeps a scan waiting no longer. */
const timeoutMs = 5000;
/** Of one name. */
const addressesMax = 16;

/** Looks a name up as this host does (hosts file, name servers). Never throws. */
export async function resolveName(name: string, signal: AbortSignal): Promise<ResolvedName> {
  if (signal.aborted) return { addresses: [], problem: "unknown" };
  try {
    const found = await orGiveUp(promises.lookup(name, { all: true }), timeoutMs, signal);
    return found ? judgeAddresses(found.map(({ address }) => address)) : { addresses: [], problem: "unknown" };
  } catch {
    return { addresses: [], problem: "unknown" };
  }
}

/** What of the addresses of one name may be scanned, each once. */
export function judgeAddresses(texts: readonly string[]): ResolvedName {
  const judged = [...new Set(texts)].map(resolvedTarget);
  const addresses = judged.flatMap((one) => (typeof one === "string" ? [] : one)).slice(0, addressesMax);
  if (judged.length === 0) return { addresses, problem: "unknown" };
  const problem = (["not_private", "link_local"] as const).find((reason) => judged.includes(reason));
  return problem ? { addresses, problem } : { addresses };
}
