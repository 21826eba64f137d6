const tables = 40;
const tableEntries = 256;

/**
 * Tables for simple tabulation hashing: one of random words for each byte of a key; the words found are combined by
 * exclusive or. Linear probing on such hashes takes expected constant time for any set of keys that was chosen without
 * knowing the tables (Pătraşcu and Thorup, The Power of Simple Tabulation Hashing, 2012), so packets cannot be made to
 * collide. Random, or from a seed where a test wants the same ones again.
 */
export function createHashTables(seed?: number): Int32Array {
  const words = new Int32Array(tables * tableEntries);
  if (seed === undefined) crypto.getRandomValues(words);
  else fillFromSeed(words, seed);
  return words;
}

/** Exclusive or of the table words of a key word's four bytes; `table` is the number of the first of four tables. */
export function hashWord(words: Int32Array, table: number, word: number): number {
  const at = table * tableEntries;
  return (
    (words[at + (word & 255)] as number) ^
    (words[at + 256 + ((word >>> 8) & 255)] as number) ^
    (words[at + 512 + ((word >>> 16) & 255)] as number) ^
    (words[at + 768 + (word >>> 24)] as number)
  );
}

/** SplitMix32: good enough to fill tables for a test. */
function fillFromSeed(words: Int32Array, seed: number): void {
  let state = seed | 0;
  for (let i = 0; i < words.length; i += 1) {
    state = (state + 0x9e3779b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    words[i] = z ^ (z >>> 15);
  }
}
