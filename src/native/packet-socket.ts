import { ptr } from "bun:ffi";
import { AmoskysError } from "../core/errors.ts";
import { errno, libc } from "./libc.ts";
import type { LinkForm } from "./link-type.ts";
import { systemError } from "./system-error.ts";

// linux/socket.h, asm-generic/socket.h
const AF_PACKET = 17;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SO_ATTACH_FILTER = 26;
const SOL_PACKET = 263;
// linux/if_packet.h
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_RX_RING = 5;
const PACKET_STATISTICS = 6;
const PACKET_VERSION = 10;
const PACKET_MR_PROMISC = 1;
const TPACKET_V3 = 2;
// linux/if_ether.h
const ETH_P_ALL = 0x0003;
// linux/bpf_common.h
const BPF_RET_K = 0x06;
/** tp_frame_size; in TPACKET_V3 frames have their own lengths, and this only has to divide a block. */
const frameBytes = 2048;

/** The size of a ring and how long a block waits for more. */
export interface RingGeometry {
  readonly blockBytes: number;
  readonly blocks: number;
  readonly retireMs: number;
}

function setPacketOption(fd: number, option: number, name: string, value: DataView | Int32Array, what: string): void {
  if (libc().setsockopt(fd, SOL_PACKET, option, ptr(value), value.byteLength) === 0) return;
  const hint = "a smaller packet ring";
  throw systemError({ call: `setsockopt(${name})`, errno: errno(), what, capability: "CAP_NET_RAW", hint });
}

/** socket(AF_PACKET) with protocol 0, so that no frame of any interface arrives before the bind. */
export function openPacketSocket(form: LinkForm, what: string): number {
  const fd = libc().socket(AF_PACKET, (form.cooked ? SOCK_DGRAM : SOCK_RAW) | SOCK_CLOEXEC, 0);
  if (fd < 0) throw systemError({ call: "socket(AF_PACKET)", errno: errno(), what, capability: "CAP_NET_RAW" });
  return fd;
}

/** Has the kernel set aside the memory of the ring, in the third form of frames. */
export function requestRing(fd: number, geometry: RingGeometry, what: string): void {
  setPacketOption(fd, PACKET_VERSION, "PACKET_VERSION=TPACKET_V3", Int32Array.of(TPACKET_V3), what);
  // struct tpacket_req3: block size, blocks, frame size, frames, retire_blk_tov, sizeof_priv, feature_req_word
  const { blockBytes, blocks, retireMs } = geometry;
  const frames = (blockBytes / frameBytes) * blocks;
  const request = Int32Array.of(blockBytes, blocks, frameBytes, frames, retireMs, 0, 0);
  setPacketOption(fd, PACKET_RX_RING, "PACKET_RX_RING", request, what);
}

/** Takes the frames of one interface from now on. An interface that is down is waited for. */
export function bindPacketSocket(fd: number, interfaceIndex: number, what: string): void {
  // struct sockaddr_ll
  const address = new DataView(new ArrayBuffer(20));
  address.setUint16(0, AF_PACKET, true);
  address.setUint16(2, ETH_P_ALL, false);
  address.setInt32(4, interfaceIndex, true);
  if (libc().bind(fd, ptr(address), address.byteLength) === 0) return;
  throw systemError({ call: "bind(AF_PACKET)", errno: errno(), what, capability: "CAP_NET_RAW" });
}

/** Has the interface hand over what is not for this host, as long as the socket is open. */
export function becomePromiscuous(fd: number, interfaceIndex: number, what: string): void {
  // struct packet_mreq
  const membership = new DataView(new ArrayBuffer(16));
  membership.setInt32(0, interfaceIndex, true);
  membership.setUint16(4, PACKET_MR_PROMISC, true);
  setPacketOption(fd, PACKET_ADD_MEMBERSHIP, "PACKET_ADD_MEMBERSHIP", membership, what);
}

/** Keeps at most `bytes` of each frame, none of any where that is 0: a filter of one instruction, "return bytes". */
export function acceptAtMost(fd: number, bytes: number, what: string): void {
  // struct sock_filter { u16 code; u8 jt; u8 jf; u32 k; }
  const instruction = new DataView(new ArrayBuffer(8));
  instruction.setUint16(0, BPF_RET_K, true);
  instruction.setUint32(4, bytes, true);
  // struct sock_fprog { u16 len; struct sock_filter *filter; }
  const program = new DataView(new ArrayBuffer(16));
  program.setUint16(0, 1, true);
  program.setBigUint64(8, BigInt(ptr(instruction)), true);
  if (libc().setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, ptr(program), program.byteLength) === 0) return;
  throw systemError({ call: "setsockopt(SO_ATTACH_FILTER)", errno: errno(), what });
}

/** What the kernel counted since it was asked last. */
export function readStatistics(fd: number): { packets: number; drops: number; freezes: number } {
  // struct tpacket_stats_v3: tp_packets (drops included), tp_drops, tp_freeze_q_cnt
  const statistics = new Uint32Array(3);
  const length = Uint32Array.of(statistics.byteLength);
  if (libc().getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, ptr(statistics), ptr(length)) !== 0) {
    throw systemError({ call: "getsockopt(PACKET_STATISTICS)", errno: errno(), what: "Cannot count lost frames" });
  }
  const [packets = 0, drops = 0, freezes = 0] = statistics;
  return { packets, drops, freezes };
}

/** The pending error of a socket (errno), which it forgets by telling it; 0 for none. */
export function takeSocketError(fd: number): number {
  const pending = new Int32Array(1);
  const length = Uint32Array.of(pending.byteLength);
  if (libc().getsockopt(fd, SOL_SOCKET, SO_ERROR, ptr(pending), ptr(length)) !== 0) {
    throw new AmoskysError("internal", `Cannot ask descriptor ${fd} for its error`, { details: { errno: errno() } });
  }
  return pending[0] as number;
}
