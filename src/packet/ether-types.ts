/** EtherTypes that decide how a frame is read (IEEE 802 Numbers, IANA). */
export const etherTypes = {
  ipv4: 0x0800,
  arp: 0x0806,
  ipv6: 0x86dd,
  lldp: 0x88cc,
  /** 802.1Q. */
  vlan: 0x8100,
  /** 802.1ad. */
  serviceVlan: 0x88a8,
  /** QinQ before 802.1ad. */
  oldServiceVlan: 0x9100,
  /** A PPPoE session (RFC 2516). */
  pppoe: 0x8864,
  /** MPLS unicast (RFC 3032). */
  mpls: 0x8847,
  /** Below this the field is a length (IEEE 802.3). */
  smallest: 0x0600,
} as const;

/** Known network protocols that carry no IP, or carry it in a way that is not looked into. */
export const nonIpEtherTypes: ReadonlySet<number> = new Set([
  0x0842, // Wake-on-LAN
  0x22f0, // AVTP
  0x22f3, // TRILL
  0x6003, // DECnet
  0x6558, // transparent Ethernet bridging
  0x8035, // RARP
  0x809b, // AppleTalk
  0x80f3, // AppleTalk ARP
  0x8137, // IPX
  0x8808, // MAC control (pause)
  0x8809, // slow protocols (LACP)
  0x8848, // MPLS multicast
  0x8863, // PPPoE discovery
  0x887b, // HomePlug
  0x888e, // 802.1X
  0x8892, // PROFINET
  0x889a, // HyperSCSI
  0x88a2, // ATA over Ethernet
  0x88a4, // EtherCAT
  0x88ab, // POWERLINK
  0x88b8, // GOOSE
  0x88ba, // sampled values
  0x88cd, // SERCOS III
  0x88e1, // HomePlug AV
  0x88e3, // media redundancy
  0x88e5, // MACsec
  0x88e7, // provider backbone bridging
  0x88f7, // PTP
  0x88fb, // parallel redundancy
  0x8902, // connectivity fault management
  0x8906, // FCoE
  0x8914, // FCoE initialization
  0x8915, // RoCE
  0x891d, // TTEthernet
  0x892f, // high-availability seamless redundancy
  0x893a, // 1905.1
  0x894f, // NSH
  0x9000, // configuration testing (loopback)
]);
