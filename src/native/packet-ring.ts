import { type Pointer, toArrayBuffer } from "bun:ffi";
import { AmoskysError } from "../core/errors.ts";
import { findInterface, type NetworkInterface } from "./interfaces.ts";
import { errno, libc } from "./libc.ts";
import { type LinkForm, linkFormOf } from "./link-type.ts";
import {
  acceptAtMost,
  becomePromiscuous,
  bindPacketSocket,
  openPacketSocket,
  type RingGeometry,
  readStatistics,
  requestRing,
  takeSocketError,
} from "./packet-socket.ts";
import { blockReady, type FrameSink, type RingMemory, releaseBlock, type WalkTally, walkBlock } from "./ring-block.ts";
import { errnoName, systemError } from "./system-error.ts";

// asm-generic/mman.h
const PROT_READ_WRITE = 1 | 2;
const MAP_SHARED = 1;

export interface RingOptions {
  /** Name of the interface. One that is down is waited for: its first frame is not missed. */
  readonly interface: string;
  /** Bytes of a block, a power of two and at least a page; 1 MiB by default. */
  readonly blockBytes?: number;
  /** 16 by default. */
  readonly blocks?: number;
  /** Also take frames for other hosts. */
  readonly promiscuous?: boolean;
  /** Bytes of a frame to keep; the whole by default. Its length on the wire is known all the same. */
  readonly snapBytes?: number;
  /** Milliseconds after which a block that is not full is handed over; 60 by default. */
  readonly retireMs?: number;
}

/** Totals since the ring was opened. */
export interface RingStatistics {
  /** Frames the kernel had for this ring, dropped ones included. */
  readonly packets: number;
  /** Frames that found the ring full. */
  readonly drops: number;
  /** How often the ring was found full. */
  readonly freezes: number;
  /** Frames handed to the sink. */
  readonly delivered: number;
  /** Copies of sent frames on loopback, left out because they come again as received. */
  readonly skipped: number;
}

/** Frames of one interface through memory shared with the kernel (AF_PACKET, TPACKET_V3). */
export interface PacketRing {
  readonly interface: NetworkInterface;
  /** Readable when a block is ready; failed when the interface went down. */
  readonly fd: number;
  readonly linkType: number;
  /** Hands over all frames of at most `blocksMax` blocks that are ready; answers of how many. */
  walk(sink: FrameSink, blocksMax: number): number;
  /** Asks the kernel and answers the totals. */
  statistics(): RingStatistics;
  /** The errno name of what befell the socket since the last call, such as ENETDOWN. */
  takeError(): string | undefined;
  /** Takes no more frames; those already taken stay to be walked. */
  stopReceiving(): void;
  /** After `stopReceiving`: whether every frame the kernel took has been walked. */
  drained(): boolean;
  /** Unmaps and closes. Safe twice. Frames that were not walked are gone. */
  close(): void;
}

/** Opens a ring. Throws privilege_missing, unknown_interface or facility_missing; usage for impossible sizes. */
export function openPacketRing(options: RingOptions): PacketRing {
  const networkInterface = findInterface(options.interface);
  const what = `Cannot capture on "${options.interface}"`;
  const form = linkFormOf(networkInterface.hardwareType);
  if (!form) {
    throw new AmoskysError(
      "facility_missing",
      `${what}: its link type ${networkInterface.hardwareType} carries no IP`,
      {
        hint: "--iface with the name of an Ethernet or IP interface",
      },
    );
  }
  const geometry = ringGeometry(options, what);
  const fd = openPacketSocket(form, what);
  try {
    requestRing(fd, geometry, what);
    if (options.snapBytes !== undefined) acceptAtMost(fd, options.snapBytes, what);
    const address = mapRing(fd, geometry, what);
    try {
      bindPacketSocket(fd, networkInterface.index, what);
      if (options.promiscuous) becomePromiscuous(fd, networkInterface.index, what);
    } catch (caught) {
      libc().munmap(address as Pointer, ringBytes(geometry));
      throw caught;
    }
    return new MappedRing(fd, address, geometry, networkInterface, form);
  } catch (caught) {
    libc().close(fd);
    throw caught;
  }
}

function ringBytes(geometry: RingGeometry): number {
  return geometry.blockBytes * geometry.blocks;
}

function ringGeometry(options: RingOptions, what: string): RingGeometry {
  const { blockBytes = 1 << 20, blocks = 16, retireMs = 60 } = options;
  const possible =
    Number.isInteger(Math.log2(blockBytes)) && blockBytes >= 4096 && Number.isInteger(blocks) && blocks > 0;
  if (possible && blockBytes * blocks <= 2 ** 31) return { blockBytes, blocks, retireMs };
  throw new AmoskysError("usage", `${what}: a ring of ${blocks} blocks of ${blockBytes} bytes is impossible`, {
    hint: "blocks of a power of two from 4096 bytes, 2 GiB in all at most",
  });
}

function mapRing(fd: number, geometry: RingGeometry, what: string): number {
  const address = libc().mmap(null, ringBytes(geometry), PROT_READ_WRITE, MAP_SHARED, fd, 0);
  if (address === -1n) throw systemError({ call: "mmap(AF_PACKET)", errno: errno(), what });
  return Number(address);
}

class MappedRing implements PacketRing {
  readonly interface: NetworkInterface;
  readonly fd: number;
  readonly linkType: number;
  readonly #geometry: RingGeometry;
  readonly #address: number;
  /** Undefined once closed: the memory is not ours any more, and touching it would end the process. */
  #memory: RingMemory | undefined;
  #block = 0;
  #kernel = { packets: 0, drops: 0, freezes: 0 };
  readonly #tally: WalkTally = { frames: 0, skipped: 0 };

  constructor(fd: number, address: number, geometry: RingGeometry, networkInterface: NetworkInterface, form: LinkForm) {
    this.fd = fd;
    this.interface = networkInterface;
    this.linkType = form.linkType;
    this.#geometry = geometry;
    this.#address = address;
    const buffer = toArrayBuffer(address as Pointer, 0, ringBytes(geometry));
    this.#memory = {
      view: new DataView(buffer),
      bytes: new Uint8Array(buffer),
      words: new Int32Array(buffer),
      linkType: form.linkType,
      interfaceIndex: networkInterface.index,
      skipOutgoing: networkInterface.loopback,
    };
  }

  walk(sink: FrameSink, blocksMax: number): number {
    const memory = this.#memory;
    if (!memory) return 0;
    const { blockBytes, blocks } = this.#geometry;
    let walked = 0;
    for (; walked < blocksMax; walked += 1) {
      const offset = this.#block * blockBytes;
      if (!blockReady(memory, offset)) break;
      try {
        walkBlock(memory, offset, sink, this.#tally);
      } finally {
        releaseBlock(memory, offset);
        this.#block = (this.#block + 1) % blocks;
      }
    }
    return walked;
  }

  statistics(): RingStatistics {
    if (this.#memory) {
      // the kernel starts again from zero with each answer
      const { packets, drops, freezes } = readStatistics(this.fd);
      const total = this.#kernel;
      this.#kernel = {
        packets: total.packets + packets,
        drops: total.drops + drops,
        freezes: total.freezes + freezes,
      };
    }
    const { frames, skipped } = this.#tally;
    return { ...this.#kernel, delivered: frames - skipped, skipped };
  }

  takeError(): string | undefined {
    if (!this.#memory) return undefined;
    const number = takeSocketError(this.fd);
    return number === 0 ? undefined : errnoName(number);
  }

  stopReceiving(): void {
    if (this.#memory) acceptAtMost(this.fd, 0, `Cannot stop capturing on "${this.interface.name}"`);
  }

  drained(): boolean {
    const { packets, drops } = this.statistics();
    return this.#tally.frames >= packets - drops;
  }

  close(): void {
    if (!this.#memory) return;
    this.statistics();
    this.#memory = undefined;
    libc().munmap(this.#address as Pointer, ringBytes(this.#geometry));
    libc().close(this.fd);
  }
}
