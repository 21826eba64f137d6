import { promises } from "node:dns";
import { isIP } from "node:net";
import { plainText } from "../../protocols/index.ts";

const nameCharsMax = 253;

export interface ReverseOptions {
  /** The DNS server that is asked, and no other: `ADDRESS` or `ADDRESS:PORT`. */
  readonly server: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The name of an address, bounded and printable; undefined where there is none in time. Never throws. */
export async function reverseName(address: string, options: ReverseOptions): Promise<string | undefined> {
  const { server, timeoutMs, signal } = options;
  if (signal.aborted) return undefined;
  const resolver = new promises.Resolver({ timeout: timeoutMs, tries: 1 });
  resolver.setServers([isIP(server) === 6 ? `[${server}]` : server]);
  const late = Promise.withResolvers<string[]>();
  const giveUp = () => late.resolve([]);
  const timer = setTimeout(giveUp, timeoutMs);
  signal.addEventListener("abort", giveUp);
  try {
    const [name] = await Promise.race([resolver.reverse(address), late.promise]);
    return name ? plainText(name, nameCharsMax) : undefined;
  } catch {
    // no such name, or no such server: a host without a name is not an error
    return undefined;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
    resolver.cancel();
  }
}
