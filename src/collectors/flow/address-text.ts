/** Decimal digits of every byte: how many, then which. */
const decimals = Uint8Array.from(
  Array.from({ length: 256 }, (_, n) => {
    const digits = [...String(n)].map((digit) => digit.charCodeAt(0));
    return [digits.length, ...digits, 0, 0, 0].slice(0, 4);
  }).flat(),
);
const hexDigits = Uint8Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));
const dot = 0x2e;
const colon = 0x3a;

/** The longest text written here. */
export const addressTextBytesMax = 46;

/** Writes an IPv4 address (a word in network order) as dotted decimals; answers where the text ends. */
export function writeIpv4(bytes: Uint8Array, start: number, word: number): number {
  let at = start;
  for (let shift = 24; shift >= 0; shift -= 8) {
    const digits = ((word >>> shift) & 0xff) * 4;
    const length = decimals[digits] as number;
    for (let i = 1; i <= length; i += 1) bytes[at++] = decimals[digits + i] as number;
    if (shift > 0) bytes[at++] = dot;
  }
  return at;
}

/**
 * Writes an IPv6 address (four words in network order) in the one canonical form (RFC 5952): lower case, no leading
 * zeros, the longest run of zero groups shortened; IPv4-mapped addresses with dotted decimals.
 */
export function writeIpv6(bytes: Uint8Array, start: number, w0: number, w1: number, w2: number, w3: number): number {
  let at = start;
  const words = [w0, w1, w2, w3];
  if (w0 === 0 && w1 === 0 && w2 === 0xffff) {
    for (const character of [colon, colon, 0x66, 0x66, 0x66, 0x66, colon]) bytes[at++] = character;
    return writeIpv4(bytes, at, w3);
  }
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  const zeros = longestZeroRun(groups);
  for (let i = 0; i < 8; i += 1) {
    if (i === zeros.first) {
      bytes[at++] = colon;
      if (i === 0) bytes[at++] = colon;
      i += zeros.length - 1;
      continue;
    }
    at = writeGroup(bytes, at, groups[i] as number);
    if (i < 7) bytes[at++] = colon;
  }
  return at;
}

function writeGroup(bytes: Uint8Array, start: number, group: number): number {
  let at = start;
  let shift = 12;
  while (shift > 0 && group >>> shift === 0) shift -= 4;
  for (; shift >= 0; shift -= 4) bytes[at++] = hexDigits[(group >>> shift) & 0xf] as number;
  return at;
}

/** The first longest run of at least two zero groups. */
function longestZeroRun(groups: readonly number[]): { first: number; length: number } {
  let best = { first: -1, length: 1 };
  for (let i = 0; i < groups.length; i += 1) {
    let length = 0;
    while (groups[i + length] === 0) length += 1;
    if (length > best.length) best = { first: i, length };
    i += length;
  }
  return best;
}
