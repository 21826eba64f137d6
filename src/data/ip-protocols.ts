/** Keywords of the IANA registry "Assigned Internet Protocol Numbers", in upper case, by number; others have none. */
const keywords = (
  "HOPOPT ICMP IGMP GGP IPV4 ST TCP CBT EGP IGP BBN-RCC-MON NVP-II PUP ARGUS EMCON XNET " + // 0 to 15
  "CHAOS UDP MUX DCN-MEAS HMP PRM XNS-IDP TRUNK-1 TRUNK-2 LEAF-1 LEAF-2 RDP IRTP ISO-TP4 NETBLT MFE-NSP " + // to 31
  "MERIT-INP DCCP 3PC IDPR XTP DDP IDPR-CMTP TP++ IL IPV6 SDRP IPV6-ROUTE IPV6-FRAG IDRP RSVP GRE " + // to 47
  "DSR BNA ESP AH I-NLSP SWIPE NARP MIN-IPV4 TLSP SKIP IPV6-ICMP IPV6-NONXT IPV6-OPTS - CFTP - " + // to 63
  "SAT-EXPAK KRYPTOLAN RVD IPPC - SAT-MON VISA IPCV CPNX CPHB WSN PVP BR-SAT-MON SUN-ND WB-MON WB-EXPAK " + // to 79
  "ISO-IP VMTP SECURE-VMTP VINES IPTM NSFNET-IGP DGP TCF EIGRP OSPFIGP SPRITE-RPC LARP MTP AX.25 IPIP MICP " + // to 95
  "SCC-SP ETHERIP ENCAP - GMTP IFMP PNNI PIM ARIS SCPS QNX A/N IPCOMP SNP COMPAQ-PEER IPX-IN-IP " + // to 111
  "VRRP PGM - L2TP DDX IATP STP SRP UTI SMP SM PTP ISIS FIRE CRTP CRUDP " + // to 127
  "SSCOPMCE IPLT SPS PIPE SCTP FC RSVP-E2E-IGNORE MOBILITY-HEADER UDPLITE MPLS-IN-IP MANET HIP SHIM6 WESP " + // to 141
  "ROHC ETHERNET AGGFRAG NSH HOMA BIT-EMU"
).split(" "); // to 147

/** Name of each IP protocol, 0 to 255; the number itself where the registry has no keyword. */
export const ipProtocolNames: readonly string[] = Array.from({ length: 256 }, (_, number) => {
  const keyword = keywords[number];
  return keyword === undefined || keyword === "-" ? String(number) : keyword;
});
