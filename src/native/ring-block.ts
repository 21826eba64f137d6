// linux/if_packet.h: struct tpacket_block_desc with struct tpacket_hdr_v1, offsets from the start of a block
const blockStatusOffset = 8;
const frameCountOffset = 12;
const firstFrameOffset = 16;
// struct tpacket3_hdr, offsets from the start of a frame's header
const nextOffset = 0;
const secondsOffset = 4;
const nanosecondsOffset = 8;
const capturedOffset = 12;
const wireOffset = 16;
const statusOffset = 20;
const dataOffset = 24;
const vlanTagOffset = 32;
/** struct sockaddr_ll follows at TPACKET_ALIGN(sizeof(struct tpacket3_hdr)); its sll_pkttype is its 11th byte. */
const packetTypeOffset = 48 + 10;

const TP_STATUS_KERNEL = 0;
const TP_STATUS_USER = 1;
const TP_STATUS_VLAN_VALID = 1 << 4;
const PACKET_OUTGOING = 4;
const vlanIdMask = 0xfff;
/** The tag of IEEE 802.1Q that the kernel took out of the frame. */
const vlanTagBytes = 4;

/** Takes frames where they lie; they are gone when the call returns. */
export interface FrameSink {
  /**
   * One frame: `capturedLength` bytes from `offset` in `view` and `bytes` (the same memory), of `wireLength` on the
   * wire; kernel time in seconds and nanoseconds since the Unix epoch; `linkType` as capture files number it;
   * `vlanFromRing` is the VLAN identifier of a tag that the kernel took out of the frame, 0 for none; the length on the
   * wire has the tag's bytes all the same.
   */
  frame(
    view: DataView,
    bytes: Uint8Array,
    offset: number,
    capturedLength: number,
    wireLength: number,
    tsSec: number,
    tsNsec: number,
    linkType: number,
    interfaceIndex: number,
    vlanFromRing: number,
  ): void;
}

/** The memory of a ring and what is the same for all its frames. */
export interface RingMemory {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  /** The same memory in 32-bit words, for atomic access. */
  readonly words: Int32Array;
  readonly linkType: number;
  readonly interfaceIndex: number;
  /** Leave out what this host sends: on loopback it comes again as received. */
  readonly skipOutgoing: boolean;
}

/** How many frames a walk found and left out. */
export interface WalkTally {
  frames: number;
  skipped: number;
}

/** Whether the kernel has handed over the block that starts at `block`. */
export function blockReady(memory: RingMemory, block: number): boolean {
  return (Atomics.load(memory.words, (block + blockStatusOffset) >>> 2) & TP_STATUS_USER) !== 0;
}

/** Gives the block back to the kernel, which may overwrite it at once. */
export function releaseBlock(memory: RingMemory, block: number): void {
  Atomics.store(memory.words, (block + blockStatusOffset) >>> 2, TP_STATUS_KERNEL);
}

/** Hands every frame of a block that is ready to the sink, in the order of arrival. */
export function walkBlock(memory: RingMemory, block: number, sink: FrameSink, tally: WalkTally): void {
  const { view, bytes, linkType, interfaceIndex, skipOutgoing } = memory;
  const frames = view.getUint32(block + frameCountOffset, true);
  let skipped = 0;
  let at = block + view.getUint32(block + firstFrameOffset, true);
  for (let i = 0; i < frames; i += 1) {
    if (skipOutgoing && bytes[at + packetTypeOffset] === PACKET_OUTGOING) {
      skipped += 1;
    } else {
      const tagged = (view.getUint32(at + statusOffset, true) & TP_STATUS_VLAN_VALID) !== 0;
      sink.frame(
        view,
        bytes,
        at + view.getUint16(at + dataOffset, true),
        view.getUint32(at + capturedOffset, true),
        view.getUint32(at + wireOffset, true) + (tagged ? vlanTagBytes : 0),
        view.getUint32(at + secondsOffset, true),
        view.getUint32(at + nanosecondsOffset, true),
        linkType,
        interfaceIndex,
        tagged ? view.getUint32(at + vlanTagOffset, true) & vlanIdMask : 0,
      );
    }
    at += view.getUint32(at + nextOffset, true);
  }
  tally.frames += frames;
  tally.skipped += skipped;
}
