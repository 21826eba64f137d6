const wrap32 = 1n << 32n;
const wrap64 = 1n << 64n;

/**
 * How far a counter has come. One that went back has wrapped, if it was in the upper half of its 32 or 64 bits and now
 * is in the lower one. If it lost more than half, it was reset and has counted `now` since (at least). Less than that
 * is a kernel that sums inexactly: no progress.
 */
export function counterDelta(before: bigint, now: bigint): bigint {
  if (now >= before) return now - before;
  const wrap = before < wrap32 ? wrap32 : wrap64;
  if (before >= wrap / 2n && now < wrap / 2n) return now + wrap - before;
  return now < before / 2n ? now : 0n;
}

/**
 * The same for counters that one driver keeps and resets together. A counter wraps alone: where more than one went
 * back, all of them were reset, and each has counted its present value since.
 */
export function countersDelta<Name extends string>(
  before: Readonly<Partial<Record<Name, bigint>>>,
  now: Readonly<Partial<Record<Name, bigint>>>,
): Partial<Record<Name, bigint>> {
  const names = Object.keys(now) as Name[];
  const isReset = names.filter((name) => (now[name] ?? 0n) < (before[name] ?? 0n)).length > 1;
  const delta: Partial<Record<Name, bigint>> = {};
  for (const name of names) {
    const [from, to] = [before[name], now[name]];
    if (from !== undefined && to !== undefined) delta[name] = isReset ? to : counterDelta(from, to);
  }
  return delta;
}
