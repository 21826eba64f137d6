/**
 * Why a frame is no packet of a flow. The names are metric labels.
 *
 * - `length_field`: 802.3 with LLC in place of an EtherType (spanning tree, CDP, IS-IS, ...)
 * - `non_ip`: a network protocol other than IP that has an EtherType known here (802.1X, MACsec, PPPoE discovery, ...)
 * - `unknown_ethertype`: an EtherType that no table here names
 * - `truncated`: the capture holds too little of the frame to name its endpoints
 * - `malformed`: the frame contradicts its own length or version fields
 * - `link_type`: a link layer that is not decoded
 */
export const otherFrameReasons = [
  "arp",
  "lldp",
  "length_field",
  "non_ip",
  "unknown_ethertype",
  "truncated",
  "malformed",
  "link_type",
] as const;

export type OtherFrameReason = (typeof otherFrameReasons)[number];

/** DecodedPacket.outcome: an IP packet, or 1 + the place of the reason in otherFrameReasons. */
export const outcomes = {
  ip: 0,
  arp: 1,
  lldp: 2,
  lengthField: 3,
  nonIp: 4,
  unknownEthertype: 5,
  truncated: 6,
  malformed: 7,
  linkType: 8,
} as const;
