// linux/if_arp.h
const ARPHRD_ETHER = 1;
const ARPHRD_INFINIBAND = 32;
const ARPHRD_PPP = 512;
const ARPHRD_RAWIP = 519;
const ARPHRD_TUNNEL = 768;
const ARPHRD_TUNNEL6 = 769;
const ARPHRD_LOOPBACK = 772;
const ARPHRD_SIT = 776;
const ARPHRD_IPGRE = 778;
const ARPHRD_IP6GRE = 823;
const ARPHRD_NONE = 0xfffe;

/** LINKTYPE_ETHERNET and LINKTYPE_RAW of https://www.tcpdump.org/linktypes.html, the numbers capture files use. */
const LINKTYPE_ETHERNET = 1;
const LINKTYPE_RAW = 101;

/** How frames of an interface are taken. */
export interface LinkForm {
  /** What the captured bytes start with: 1 an Ethernet header, 101 an IP header. */
  readonly linkType: number;
  /** The kernel is to cut the link-layer header off, because its form is not Ethernet's (SOCK_DGRAM). */
  readonly cooked: boolean;
}

const ethernet: LinkForm = { linkType: LINKTYPE_ETHERNET, cooked: false };
const withoutHeader: LinkForm = { linkType: LINKTYPE_RAW, cooked: true };

const forms: ReadonlyMap<number, LinkForm> = new Map([
  [ARPHRD_ETHER, ethernet],
  [ARPHRD_LOOPBACK, ethernet],
  [ARPHRD_INFINIBAND, withoutHeader],
  [ARPHRD_PPP, withoutHeader],
  [ARPHRD_RAWIP, withoutHeader],
  [ARPHRD_TUNNEL, withoutHeader],
  [ARPHRD_TUNNEL6, withoutHeader],
  [ARPHRD_SIT, withoutHeader],
  [ARPHRD_IPGRE, withoutHeader],
  [ARPHRD_IP6GRE, withoutHeader],
  [ARPHRD_NONE, withoutHeader],
]);

/** The form for a hardware type (ARPHRD_*); undefined for one that carries no IP as such (CAN, 802.15.4, monitors). */
export function linkFormOf(hardwareType: number): LinkForm | undefined {
  return forms.get(hardwareType);
}
