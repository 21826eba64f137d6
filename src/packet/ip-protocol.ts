/** IP protocol numbers that are read further than their name (IANA Protocol Numbers). */
export const ipProtocols = {
  hopByHop: 0,
  icmp: 1,
  tcp: 6,
  udp: 17,
  dccp: 33,
  routing: 43,
  fragment: 44,
  authentication: 51,
  icmpv6: 58,
  destinationOptions: 60,
  sctp: 132,
  udpLite: 136,
} as const;

/** Bits of the TCP flags byte (RFC 9293, section 3.1). */
export const tcpFlags = { fin: 0x01, syn: 0x02, rst: 0x04, ack: 0x10 } as const;
