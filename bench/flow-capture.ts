import { closeSync, openSync, writeSync } from "node:fs";

export interface FlowCaptureOptions {
  readonly packets: number;
  readonly flows: number;
  readonly seed: number;
}

/** Flows that take turns at any moment. */
const concurrent = 5000;
/** Time that the capture spans. */
const spanNs = 60e9;
const snapLength = 96;
const headerBytes = 16;

/** A small seeded generator (SplitMix32). */
function createRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 4294967296;
  };
}

interface Flow {
  readonly client: number;
  readonly server: number;
  readonly clientPort: number;
  readonly serverPort: number;
  readonly protocol: number;
  readonly packets: number;
  sent: number;
}

/**
 * Writes a pcap file of Ethernet and IPv4: four of five flows are TCP from SYN to the last ACK, the others UDP; both
 * directions, frames of 60 to 1514 bytes of which 96 are captured, flows interleaved at random. The same options make
 * the same bytes.
 */
export function writeFlowCapture(path: string, options: FlowCaptureOptions): void {
  const random = createRandom(options.seed);
  const fd = openSync(path, "w");
  const chunk = new Uint8Array(1 << 20);
  const view = new DataView(chunk.buffer);
  let at = writeFileHeader(view);
  const lengths = flowLengths(options, random);
  const active: Flow[] = [];
  let next = 0;
  const begin = (): Flow => newFlow(next, lengths[next++] as number, random);
  while (active.length < concurrent && next < options.flows) active.push(begin());
  for (let i = 0; i < options.packets; i += 1) {
    if (at + headerBytes + snapLength > chunk.length) {
      writeSync(fd, chunk, 0, at);
      at = 0;
    }
    const turn = Math.floor(random() * active.length);
    const flow = active[turn] as Flow;
    at = writePacket(view, at, flow, Math.floor((i / options.packets) * spanNs), random);
    flow.sent += 1;
    if (flow.sent < flow.packets) continue;
    if (next < options.flows) active[turn] = begin();
    else active.splice(turn, 1);
  }
  writeSync(fd, chunk, 0, at);
  closeSync(fd);
}

function writeFileHeader(view: DataView): number {
  view.setUint32(0, 0xa1b2c3d4, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, snapLength, true);
  view.setUint32(20, 1, true);
  return 24;
}

/** How many packets each flow has: at least eight, many short ones and a few long ones, `packets` in all. */
function flowLengths({ packets, flows }: FlowCaptureOptions, random: () => number): number[] {
  const least = 8;
  const weights = Array.from({ length: flows }, () => 1 / (0.02 + random()));
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const spare = packets - flows * least;
  const lengths = weights.map((weight) => least + Math.floor((spare * weight) / whole));
  let rest = packets - lengths.reduce((sum, length) => sum + length, 0);
  for (let i = 0; rest > 0; i += 1, rest -= 1) lengths[i % flows] = (lengths[i % flows] as number) + 1;
  return lengths;
}

/** Every flow has a tuple of its own: the number of the flow is in the client's address and port. */
function newFlow(number: number, packets: number, random: () => number): Flow {
  return {
    client: 0x0a000000 + (number >>> 4) + 1,
    server: 0xc0a80000 + Math.floor(random() * 4096) + 1,
    clientPort: 32_768 + (number & 15) * 512 + Math.floor(random() * 512),
    serverPort: [80, 443, 53, 22, 8080][Math.floor(random() * 5)] as number,
    protocol: random() < 0.8 ? 6 : 17,
    packets,
    sent: 0,
  };
}

function writePacket(view: DataView, start: number, flow: Flow, timeNs: number, random: () => number): number {
  const { flags, fromClient } = step(flow, random);
  const transportBytes = flow.protocol === 6 ? 20 : 8;
  const payloadBytes = flags === undefined || flags === 0x18 ? Math.floor(random() ** 2 * 1440) + 1 : 0;
  const ipBytes = 20 + transportBytes + payloadBytes;
  const wireLength = Math.max(60, 14 + ipBytes);
  const captured = Math.min(wireLength, snapLength);
  view.setUint32(start, 1_700_000_000 + Math.floor(timeNs / 1e9), true);
  view.setUint32(start + 4, Math.floor((timeNs % 1e9) / 1000), true);
  view.setUint32(start + 8, captured, true);
  view.setUint32(start + 12, wireLength, true);
  const frame = start + headerBytes;
  for (let i = 0; i < captured; i += 4) view.setUint32(frame + i, 0);
  view.setUint32(frame, fromClient ? 0x02000000 : 0x02000001);
  view.setUint32(frame + 6, fromClient ? 0x02000001 : 0x02000000);
  view.setUint16(frame + 12, 0x0800);
  const ip = frame + 14;
  view.setUint16(ip, 0x4500);
  view.setUint16(ip + 2, ipBytes);
  view.setUint8(ip + 8, 64);
  view.setUint8(ip + 9, flow.protocol);
  view.setUint32(ip + 12, fromClient ? flow.client : flow.server);
  view.setUint32(ip + 16, fromClient ? flow.server : flow.client);
  view.setUint16(ip + 10, headerChecksum(view, ip));
  const transport = ip + 20;
  view.setUint16(transport, fromClient ? flow.clientPort : flow.serverPort);
  view.setUint16(transport + 2, fromClient ? flow.serverPort : flow.clientPort);
  if (flags === undefined) {
    view.setUint16(transport + 4, 8 + payloadBytes);
  } else {
    view.setUint32(transport + 4, 1000 + flow.sent);
    view.setUint16(transport + 12, 0x5000 | flags);
    view.setUint16(transport + 14, 65_535);
  }
  return frame + captured;
}

/** SYN, SYN+ACK, ACK, data both ways, FIN+ACK, FIN+ACK, ACK; for UDP any direction and no flags. */
function step(flow: Flow, random: () => number): { flags: number | undefined; fromClient: boolean } {
  const left = flow.packets - flow.sent;
  if (flow.protocol !== 6) return { flags: undefined, fromClient: flow.sent === 0 || random() < 0.5 };
  if (flow.sent === 0) return { flags: 0x02, fromClient: true };
  if (flow.sent === 1) return { flags: 0x12, fromClient: false };
  if (flow.sent === 2) return { flags: 0x10, fromClient: true };
  if (left === 3) return { flags: 0x11, fromClient: true };
  if (left === 2) return { flags: 0x11, fromClient: false };
  if (left === 1) return { flags: 0x10, fromClient: true };
  return { flags: random() < 0.5 ? 0x10 : 0x18, fromClient: random() < 0.5 };
}

function headerChecksum(view: DataView, ip: number): number {
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += view.getUint16(ip + i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
