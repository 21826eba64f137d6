const protocolNumbers = { TCP: 6, UDP: 17 } as const;

// scratch space: seed (0), two IPv4 addresses, protocol, a zero byte, two ports
const input = Buffer.alloc(2 + 4 + 4 + 2 + 4);
const digest = Buffer.alloc(20);

function ipv4Number(address: string): number {
  return address.split(".").reduce((number, part) => number * 256 + Number(part), 0);
}

/** The ends of an IPv4 flow. */
export interface FlowEnds {
  readonly source: string;
  readonly target: string;
  readonly sourcePort: number;
  readonly targetPort: number;
  readonly protocol: "TCP" | "UDP";
}

/** The Community ID, version 1 with seed 0 (github.com/corelight/community-id-spec): the same in both directions. */
export function communityId({ source, target, sourcePort, targetPort, protocol }: FlowEnds): string {
  const from = { address: ipv4Number(source), port: sourcePort };
  const to = { address: ipv4Number(target), port: targetPort };
  const isOrdered = from.address < to.address || (from.address === to.address && from.port < to.port);
  const [first, second] = isOrdered ? [from, to] : [to, from];
  input.writeUInt32BE(first.address, 2);
  input.writeUInt32BE(second.address, 6);
  input.writeUInt16BE(protocolNumbers[protocol] << 8, 10);
  input.writeUInt16BE(first.port, 12);
  input.writeUInt16BE(second.port, 14);
  Bun.SHA1.hash(input, digest);
  return `1:${digest.toString("base64")}`;
}
