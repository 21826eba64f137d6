// Which ICMP type answers which, in both directions; every other type stands alone. The Community ID specification and
// Zeek use the same pairs (RFC 792, 950, 1256; RFC 2710, 4443, 4620, 4861, 6275).
const icmpPairs = [
  [0, 8], // echo
  [9, 10], // router advertisement, solicitation
  [13, 14], // timestamp
  [15, 16], // information
  [17, 18], // address mask
] as const;

const icmpv6Pairs = [
  [128, 129], // echo
  [133, 134], // router solicitation, advertisement
  [135, 136], // neighbour solicitation, advertisement
  [130, 131], // multicast listener query, report
  [139, 140], // node information
  [144, 145], // home agent address discovery
] as const;

function counterparts(pairs: readonly (readonly [number, number])[]): Int16Array {
  const table = new Int16Array(256).fill(-1);
  for (const [a, b] of pairs) {
    table[a] = b;
    table[b] = a;
  }
  return table;
}

/** By ICMP type: the type that answers it, or -1. */
export const icmpCounterparts: Int16Array = counterparts(icmpPairs);

/** By ICMPv6 type: the type that answers it, or -1. */
export const icmpv6Counterparts: Int16Array = counterparts(icmpv6Pairs);
