import { parseFraction, wordsOf } from "./numbers.ts";

/** How many threads ran or waited, on average (proc_loadavg(5)). */
export interface LoadAverage {
  readonly oneMinute: number;
  readonly fiveMinutes: number;
  readonly fifteenMinutes: number;
}

/** Parses /proc/loadavg; undefined where it is none. */
export function parseLoadAverage(text: string): LoadAverage | undefined {
  const [oneMinute, fiveMinutes, fifteenMinutes] = wordsOf(text).slice(0, 3).map(parseFraction);
  if (oneMinute === undefined || fiveMinutes === undefined || fifteenMinutes === undefined) return undefined;
  return { oneMinute, fiveMinutes, fifteenMinutes };
}
