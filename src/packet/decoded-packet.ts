/**
 * What decodeFrame found out, in one object that is used again for every packet. All fields are integers; addresses are
 * signed 32-bit words in network order, so that nothing is ever boxed.
 */
export class DecodedPacket {
  /** One of `outcomes`; unless it is `ip`, only vlanId means something. */
  outcome = 0;
  /** 4 or 6. */
  family = 0;
  /** IP protocol number, behind all IPv6 extension headers. */
  protocol = 0;
  /** Words of the addresses; an IPv4 address is the last word, and the others are left as they were. */
  src0 = 0;
  src1 = 0;
  src2 = 0;
  src3 = 0;
  dst0 = 0;
  dst1 = 0;
  dst2 = 0;
  dst3 = 0;
  /**
   * Whether there are ports: TCP, UDP, SCTP, UDP-Lite, DCCP, and ICMP's type and counterpart; not in later fragments.
   * Without them both ports are 0.
   */
  hasPorts = false;
  srcPort = 0;
  dstPort = 0;
  /** Length of the IP packet by its own header (by the frame where segmentation offload left 0 there). */
  ipBytes = 0;
  /** Flags byte of TCP, 0 for others and where the capture ends before it. */
  tcpFlags = 0;
  /** Sequence number of TCP as a signed word, where SYN is set. */
  tcpSequence = 0;
  /** The outermost VLAN identifier that is not 0, else 0. */
  vlanId = 0;
}
