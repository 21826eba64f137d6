/** A stamp in UTC with milliseconds; one that no calendar holds as its number. */
export function timeText(ns: bigint): string {
  const date = new Date(Number(ns / 1_000_000n));
  if (ns === 0n || Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999) return `${ns} ns`;
  return date.toISOString().replace("T", " ");
}
