import { type DecodedPacket, ipProtocols } from "../../packet/index.ts";
import { addressWords } from "./address-words.ts";

/**
 * Tells the agent's own traffic: TCP with one of the bus's addresses and its port at either end. Addresses that are
 * none match nothing.
 */
export function createOwnTraffic(addresses: readonly string[], port: number): (packet: DecodedPacket) => boolean {
  const known = addresses.map(addressWords).filter((words) => words !== undefined);
  const isSource = (p: DecodedPacket): boolean =>
    known.some((w) =>
      p.family === 4
        ? w.length === 1 && w[0] === p.src3
        : w.length === 4 && w[0] === p.src0 && w[1] === p.src1 && w[2] === p.src2 && w[3] === p.src3,
    );
  const isDestination = (p: DecodedPacket): boolean =>
    known.some((w) =>
      p.family === 4
        ? w.length === 1 && w[0] === p.dst3
        : w.length === 4 && w[0] === p.dst0 && w[1] === p.dst1 && w[2] === p.dst2 && w[3] === p.dst3,
    );
  return (packet) =>
    packet.protocol === ipProtocols.tcp &&
    ((packet.dstPort === port && isDestination(packet)) || (packet.srcPort === port && isSource(packet)));
}
