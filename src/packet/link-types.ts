/**
 * Link-layer header types as capture files and packet sockets name them (LINKTYPE_ values of the tcpdump group's list).
 */
export const linkTypes = {
  null: 0,
  ethernet: 1,
  ppp: 9,
  /** DLT_RAW as some systems write it instead of 101. */
  rawDlt: 12,
  /** DLT_RAW on OpenBSD. */
  rawOpenBsd: 14,
  raw: 101,
  loop: 108,
  linuxSll: 113,
  ipv4: 228,
  ipv6: 229,
  linuxSll2: 276,
} as const;

const decodable: ReadonlySet<number> = new Set(Object.values(linkTypes));

/** Whether decodeFrame knows this link type. */
export function isLinkTypeSupported(linkType: number): boolean {
  return decodable.has(linkType);
}
