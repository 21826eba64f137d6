/** Stands as the last argument where more was there than was read. */
export const argumentsCutMark = "[... truncated]";

/** So that many empty arguments cannot make many objects. */
const argumentsMax = 512;

/** Where a text cut at `end` ends so that no character of UTF-8 is split. */
function characterEnd(bytes: Uint8Array, end: number): number {
  for (let back = 1; back <= Math.min(4, end); back += 1) {
    const byte = bytes[end - back] as number;
    if ((byte & 0xc0) === 0x80) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > back ? end - back : end;
  }
  return end;
}

/**
 * The arguments in the first `length` bytes of a /proc/PID/cmdline, at most `lengthMax` bytes of them; bytes that are
 * no UTF-8 become U+FFFD. What is left out is said by `argumentsCutMark`.
 */
export function parseCommandLine(bytes: Buffer, length: number, lengthMax: number): string[] {
  if (length === 0) return [];
  const isCut = length > lengthMax;
  let end = isCut ? characterEnd(bytes, lengthMax) : length;
  if (!isCut && bytes[end - 1] === 0) end -= 1;
  const found: string[] = [];
  let start = 0;
  while (start <= end && found.length < argumentsMax) {
    const zero = bytes.indexOf(0, start);
    const stop = zero === -1 || zero > end ? end : zero;
    found.push(bytes.toString("utf8", start, stop));
    start = stop + 1;
  }
  if (isCut || start <= end) found.push(argumentsCutMark);
  return found;
}
