import { parseCount, wordsOf } from "./numbers.ts";

/** Counts of /proc/net/sockstat and sockstat6 by protocol and name, as in `TCP` and `inuse`. */
export type SocketStats = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Parses /proc/net/sockstat or sockstat6, or both one after the other; lines that are none are left out. */
export function parseSocketStats(text: string): SocketStats {
  const found = new Map<string, Map<string, number>>();
  for (const line of text.split("\n")) {
    const [head = "", ...words] = wordsOf(line);
    if (!head.endsWith(":")) continue;
    const counts = new Map<string, number>();
    for (let i = 0; i + 1 < words.length; i += 2) {
      const value = parseCount(words[i + 1]);
      if (value !== undefined) counts.set(words[i] as string, value);
    }
    found.set(head.slice(0, -1), counts);
  }
  return found;
}
