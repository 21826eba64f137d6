import { AmoskysError } from "./errors.ts";

const msPerUnit: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const bytesPerUnit: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** A day, a time of day behind it, and its zone. */
const timeOfDay = /^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?)?$/;
const duration = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/;

/** `250ms`, `15m`, `24h`, `7d`, `1h30m` in milliseconds. */
export function parseDurationMs(text: string): number {
  if (!duration.test(text)) {
    throw new AmoskysError("usage", `"${text}" is no duration; write 250ms, 15m, 24h, 7d or 1h30m`);
  }
  const parts = text.matchAll(/([\d.]+)([a-z]+)/g);
  return Array.from(parts, ([, n, unit]) => Number(n) * (msPerUnit[unit as string] as number)).reduce((a, b) => a + b);
}

/** `4096`, `64KiB`, `200MB` in bytes. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(text);
  const unit = match ? bytesPerUnit[match[2] as string] : undefined;
  if (!match || unit === undefined) throw new AmoskysError("usage", `"${text}" is no size; write 4096, 64KiB or 200MB`);
  return Math.round(Number(match[1]) * unit);
}

/**
 * A point in time as nanoseconds since the Unix epoch: RFC 3339, a day (from midnight UTC), or a duration back from
 * `nowMs`. A time of day without a zone is refused: it would be another moment on every host.
 */
export function parseTimeNs(text: string, nowMs: number): bigint {
  if (duration.test(text)) return BigInt(Math.round(nowMs - parseDurationMs(text))) * 1_000_000n;
  const parts = timeOfDay.exec(text);
  const isLocal = parts?.[1] !== undefined && parts[2] === undefined;
  const at = parts ? Date.parse(isLocal ? `${text}Z` : text) : Number.NaN;
  if (Number.isNaN(at)) {
    throw new AmoskysError("usage", `"${text}" is no time; write 2026-01-31T12:00:00Z, or 15m for 15 minutes ago`);
  }
  if (isLocal) {
    throw new AmoskysError("usage", `"${text}" does not say its time zone; write ${text}Z for UTC, or ${text}+01:00`);
  }
  return BigInt(at) * 1_000_000n;
}

/** `1.5 MiB`: for people. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** `3d 4h`, `12m 5s`, `800 ms`: for people, the two largest units. */
export function formatDurationMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const parts: string[] = [];
  let rest = Math.floor(ms / 1000);
  for (const [unit, seconds] of [
    ["d", 86_400],
    ["h", 3600],
    ["m", 60],
    ["s", 1],
  ] as const) {
    const n = Math.floor(rest / seconds);
    if (n > 0 && parts.length < 2) parts.push(`${n}${unit}`);
    else if (parts.length > 0) break;
    rest -= n * seconds;
  }
  return parts.join(" ");
}
