import { syscallNamesI386 } from "../../data/syscalls-i386.ts";
import { syscallNames } from "../../data/syscalls-x86-64.ts";
import type { BpfEntries } from "../../native/index.ts";
import type { SyscallConfig } from "./config.ts";
import {
  bucketCount,
  nameBytes,
  numbersPerInterface,
  pairKey,
  pairValue,
  syscallInterfaces,
  unknownNumber,
} from "./layout.ts";

/** Calls of one kind in one interval. */
export interface CallFigures {
  calls: number;
  errors: number;
  /** Of the calls that have a duration; so are the next three. */
  measured: number;
  totalNs: number;
  /** Infinity where no call has a duration. */
  minNs: number;
  maxNs: number;
  /** Calls by latency: 2^8 ns and less, 2^9 ns and less, and so on; the last has no bound. */
  readonly buckets: number[];
}

/** One process and one system call. */
export interface Pair {
  readonly process: number;
  readonly slot: number;
  /** Name of the process, from the outside. */
  name: string;
  /** CLOCK_BOOTTIME. */
  readonly startNs: bigint;
  readonly firstNs: number;
  readonly figures: CallFigures;
}

/** What one interval says. */
export interface IntervalFigures {
  /** The pairs that come first, in order. */
  readonly top: readonly Pair[];
  readonly bySlot: Map<number, CallFigures>;
  readonly all: CallFigures;
  readonly pairs: number;
  readonly processes: number;
}

const two32 = 2 ** 32;
const utf8 = new TextDecoder();

/** `openat`; `ia32:openat` and `x32:5` for calls made another way; `unknown` for numbers that are no system call. */
export function syscallName(slot: number): string {
  const number = slot % numbersPerInterface;
  const kind = syscallInterfaces[Math.floor(slot / numbersPerInterface)] ?? syscallInterfaces[0];
  const known = number === unknownNumber ? "unknown" : String(number);
  if (kind === "x86-64") return syscallNames.get(number) ?? known;
  return `${kind}:${kind === "ia32" ? (syscallNamesI386.get(number) ?? known) : known}`;
}

/** Text up to its NUL; bytes that are no UTF-8 become U+FFFD. */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return utf8.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Figures of nothing. */
export function emptyFigures(): CallFigures {
  const buckets = new Array<number>(bucketCount).fill(0);
  return { calls: 0, errors: 0, measured: 0, totalNs: 0, minNs: Number.POSITIVE_INFINITY, maxNs: 0, buckets };
}

function addFigures(to: CallFigures, more: CallFigures): void {
  to.calls += more.calls;
  to.errors += more.errors;
  to.measured += more.measured;
  to.totalNs += more.totalNs;
  to.minNs = Math.min(to.minNs, more.minNs);
  to.maxNs = Math.max(to.maxNs, more.maxNs);
  for (const [i, count] of more.buckets.entries()) to.buckets[i] = (to.buckets[i] as number) + count;
}

function readPair({ keys, values }: BpfEntries, index: number): Pair {
  const key = new DataView(keys.buffer, keys.byteOffset + index * pairKey.bytes, pairKey.bytes);
  const value = new DataView(values.buffer, values.byteOffset + index * pairValue.bytes, pairValue.bytes);
  const word = (at: number) => value.getUint32(at, true) + value.getUint32(at + 4, true) * two32;
  const figures = emptyFigures();
  for (let i = 0; i < bucketCount; i += 1) {
    const count = word(pairValue.buckets + i * 8);
    figures.buckets[i] = count;
    figures.measured += count;
  }
  figures.calls = figures.measured + word(pairValue.unmeasured);
  figures.errors = word(pairValue.errors);
  figures.totalNs = word(pairValue.totalNs);
  figures.maxNs = word(pairValue.maxNs);
  if (figures.measured > 0) {
    figures.minNs = Number(BigInt.asUintN(64, ~value.getBigUint64(pairValue.notMinNs, true)));
  }
  const name = values.subarray(value.byteOffset - values.byteOffset + pairValue.name);
  return {
    process: key.getUint32(pairKey.process, true),
    slot: key.getUint32(pairKey.slot, true),
    name: textOf(name.subarray(0, nameBytes)),
    startNs: value.getBigUint64(pairValue.startNs, true),
    firstNs: word(pairValue.firstNs),
    figures,
  };
}

/** A process that executed a program has pairs under its old and its new name: the newest pair has the last one. */
function giveLastNames(pairs: readonly Pair[]): number {
  const newest = new Map<number, Pair>();
  for (const pair of pairs) {
    const known = newest.get(pair.process);
    if (!known || known.firstNs < pair.firstNs) newest.set(pair.process, pair);
  }
  for (const pair of pairs) pair.name = newest.get(pair.process)?.name ?? pair.name;
  return newest.size;
}

const ranks: Readonly<Record<SyscallConfig["top_by"], (figures: CallFigures) => number>> = {
  calls: ({ calls }) => calls,
  errors: ({ errors }) => errors,
  time: ({ totalNs }) => totalNs,
};

/** Reads the pairs of an interval: the first ones of them, and the sums by system call. */
export function decodeInterval(
  { entries, count }: { readonly entries: BpfEntries; readonly count: number },
  { top, top_by: by }: Pick<SyscallConfig, "top" | "top_by">,
): IntervalFigures {
  const pairs = Array.from({ length: count }, (_, index) => readPair(entries, index));
  const processes = giveLastNames(pairs);
  const bySlot = new Map<number, CallFigures>();
  const all = emptyFigures();
  for (const { slot, figures } of pairs) {
    let sum = bySlot.get(slot);
    if (!sum) {
      sum = emptyFigures();
      bySlot.set(slot, sum);
    }
    addFigures(sum, figures);
    addFigures(all, figures);
  }
  const rank = ranks[by];
  pairs.sort((a, b) => rank(b.figures) - rank(a.figures) || a.process - b.process || a.slot - b.slot);
  return { top: pairs.slice(0, top), bySlot, all, pairs: count, processes };
}

/** Adds calls that no pair had room for to the sums. */
export function addRest(
  { bySlot, all }: { readonly bySlot: Map<number, CallFigures>; readonly all: CallFigures },
  slot: number,
  { calls, errors }: { readonly calls: number; readonly errors: number },
): void {
  const sum = bySlot.get(slot) ?? emptyFigures();
  bySlot.set(slot, sum);
  for (const figures of [sum, all]) {
    figures.calls += calls;
    figures.errors += errors;
  }
}
