import { promises } from "node:dns";
import { isIP, isIPv4, isIPv6 } from "node:net";
import { AmoskysError } from "../../core/errors.ts";
import { plainText } from "../../protocols/index.ts";
import { orGiveUp } from "./give-up.ts";

const nameCharsMax = 253;

/** Throws `usage` where it is not `ADDRESS`, `IPV4:PORT` or `[IPV6]:PORT`. */
export function checkDnsServer(text: string): void {
  const { v6, v4, port } = /^(?:\[(?<v6>[^\]%]+)\]|(?<v4>[^:]+)):(?<port>\d{1,5})$/.exec(text)?.groups ?? {};
  const isAddress = isIP(text) !== 0 && !text.includes("%");
  const isPort = Number(port) >= 1 && Number(port) <= 65_535;
  if (isAddress || (isPort && (isIPv4(v4 ?? "") || isIPv6(v6 ?? "")))) return;
  throw new AmoskysError("usage", "is no address of a DNS server, as 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53");
}

export interface ReverseOptions {
  /** The DNS server that is asked, and no other, as `checkDnsServer` takes it. */
  readonly server: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The name of an address, bounded and printable; undefined where there is none in time. Never throws. */
export async function reverseName(address: string, options: ReverseOptions): Promise<string | undefined> {
  const { server, timeoutMs, signal } = options;
  if (signal.aborted) return undefined;
  const resolver = new promises.Resolver({ timeout: timeoutMs, tries: 1 });
  try {
    resolver.setServers([isIPv6(server) ? `[${server}]` : server]);
    const names = await orGiveUp(resolver.reverse(address), timeoutMs, signal);
    return names?.[0] ? plainText(names[0], nameCharsMax) : undefined;
  } catch {
    // no such name, or no such server: a host without a name is not an error
    return undefined;
  } finally {
    resolver.cancel();
  }
}
