/** A count from 0 on, in decimal; undefined for anything else. Above 2^53 it is the nearest double. */
export function parseCount(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** A 64-bit counter, exact; undefined for anything else. */
export function parseCounter(text: string | undefined): bigint | undefined {
  return text !== undefined && /^\d{1,20}$/.test(text) ? BigInt(text) : undefined;
}

/** A decimal fraction from 0 on; undefined for anything else. */
export function parseFraction(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}

/** The words of a line. */
export function wordsOf(line: string): string[] {
  return line.trim().split(/\s+/);
}
