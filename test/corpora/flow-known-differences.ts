import type { KnownDifferences } from "./compared-flows.ts";

/** nDPI (`ndpiReader`). */
export const ndpiDifferences: KnownDifferences = {
  "dns_fragmented.pcap": {
    why: "later fragments have no ports: here they are flows of their own, nDPI leaves them out",
    lines: [
      "+ UDP 172.217.40.76:0 193.24.227.238:0",
      "+ UDP 173.194.169.104:0 193.24.227.238:0",
      "+ UDP 193.24.227.238:0 194.247.5.6:0",
      "+ UDP 193.24.227.238:0 74.125.47.136:0",
      "+ UDP 2001:470:1f0b:16b0:20c:29ff:fe7c:a4cb:0 2001:470:765b::a25:53:0",
      "+ UDP 2001:470:765b::a25:53:0 2a00:1450:4013:c03::10a:0",
      "+ UDP 2001:470:765b::a25:53:0 2a00:1450:4013:c06::105:0",
    ],
  },
  "false_positives.pcapng": {
    why: "GTP tunnels: the outer packet counts here, the inner one there",
    lines: [
      "+ UDP 10.116.8.10:2152 10.238.250.51:2152",
      "+ UDP 10.116.8.21:2152 10.238.254.76:2152",
      "+ UDP 10.132.15.176:2152 10.134.25.76:2152",
      "- TCP 10.140.231.26:61202 159.65.12.169:443",
      "- UDP 10.102.45.249:31046 10.133.48.100:21176",
      "- UDP 10.110.31.25:1272 10.133.32.101:36408",
    ],
  },
  "fuzz-2021-10-13.pcap": {
    why: "a fuzzed file whose loopback header names no address family that exists; nDPI takes the rest for IPv6",
    lines: ["- TCP 302e::3d00::8001:0 3400:3a30:3035:2f75:706c:6f32:643f:6c3d:44288"],
  },
  "ndpi_match_string_subprotocol__error.pcapng": {
    why: "nDPI drops one of the 14 packets where the tuple is used again after 57 minutes (tshark shows 8 and 6)",
    lines: ["! TCP 10.3.9.19:40632 10.68.137.118:8091"],
  },
};

const wireless = "802.11 with or without radiotap: these link types are not decoded here";

/** Zeek's conn.log. */
export const zeekDifferences: KnownDifferences = {
  "radiotap.pcap": {
    why: wireless,
    lines: ["- udp 172.17.156.76:61738 208.67.220.220:53", "- udp fe80::a667:6ff:fef7:ec54:5353 ff02::fb:5353"],
  },
  "wlanmon.pcap": {
    why: wireless,
    lines: ["- udp 172.17.156.76:61738 208.67.220.220:53", "- udp fe80::a667:6ff:fef7:ec54:5353 ff02::fb:5353"],
  },
  "tunnels/vxlan-encapsulated-http.pcap": {
    why: "VXLAN: Zeek looks inside and logs both the outer and the inner connections, here the outer ones count",
    lines: ["- tcp 172.16.11.201:40354 54.86.237.188:80"],
  },
  "tunnels/ayiya3.pcap": {
    why: "AYIYA: the same",
    lines: [
      "- icmp 2001:4978:f:4c::1:128 2001:4978:f:4c::2:129",
      "- icmp :::135 ff02::1:ff00:2:136",
      "- icmp fe80::216:cbff:fe9a:4cb9:131 ff02::1:ff00:2:130",
      "- icmp fe80::216:cbff:fe9a:4cb9:131 ff02::1:ff9a:4cb9:130",
      "- icmp fe80::216:cbff:fe9a:4cb9:131 ff02::2:f901:d225:130",
      "- tcp 2001:4860:b002::68:80 2001:4978:f:4c::2:53382",
    ],
  },
  "tunnels/geneve-47101.pcap": {
    why: "GENEVE: the same",
    lines: ["- tcp 145.40.68.75:443 192.168.0.107:45474"],
  },
  "tunnels/geneve-ipv6.pcap": {
    why: "GENEVE: the same",
    lines: ["- udp fd00::1:40000 fd00::2:40001"],
  },
  "tunnels/gre-within-gre.pcap": {
    why: "GRE: Zeek logs what is inside and not GRE itself, here GRE is the flow",
    lines: [
      "+ unknown_transport 72.205.54.70:0 86.106.164.150:0",
      "- icmp 10.10.25.1:8 192.168.1.2:0",
      "- udp 224.0.0.9:520 3.3.3.1:520",
      "- udp 224.0.0.9:520 3.3.3.2:520",
    ],
  },
};

/** ipfixprobe's basic plugin. */
export const ipfixprobeDifferences: KnownDifferences = {};
