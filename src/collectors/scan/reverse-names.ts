import { promises } from "node:dns";
import { isIP } from "node:net";
import { plainText } from "../../protocols/index.ts";

const nameCharsMax = 253;

/** Asks the configured server, and no other, for the name of an address; undefined where there is none in time. */
export async function reverseName(address: string, server: string, timeoutMs: number): Promise<string | undefined> {
  const resolver = new promises.Resolver({ timeout: timeoutMs, tries: 1 });
  resolver.setServers([isIP(server) === 6 ? `[${server}]` : server]);
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<string[]>((resolve) => {
      timer = setTimeout(() => resolve([]), timeoutMs);
    });
    const [name] = await Promise.race([resolver.reverse(address), late]);
    return name === undefined ? undefined : plainText(name, nameCharsMax);
  } catch {
    // no such name, or no such server: a host without a name is not an error
    return undefined;
  } finally {
    clearTimeout(timer);
    resolver.cancel();
  }
}
