/**
 * Packets: bytes in, facts out. Link layer to transport layer, and the files that packets are kept in. Pure: no I/O, no
 * clock, no allocation per packet. May not know flows, interfaces or the network. Nothing here is durable.
 */
export { CaptureReader, type CaptureReaderOptions } from "./capture-reader.ts";
export { decodeFrame } from "./decode-frame.ts";
export { DecodedPacket } from "./decoded-packet.ts";
export { icmpCounterparts, icmpv6Counterparts } from "./icmp-counterparts.ts";
export { ipProtocols, tcpFlags } from "./ip-protocol.ts";
export { linkTypes } from "./link-types.ts";
export { type OtherFrameReason, otherFrameReasons } from "./other-frames.ts";
