export interface BuiltFrame {
  readonly frame: Uint8Array;
  readonly sec?: number;
  readonly nsec?: number;
  /** Original length; that of the frame by default. */
  readonly wireLength?: number;
  readonly interfaceId?: number;
}

export interface PcapOptions {
  readonly little?: boolean;
  readonly nanoseconds?: boolean;
  readonly linkType?: number;
  readonly snapLength?: number;
  readonly magic?: number;
  readonly version?: number;
  readonly minorVersion?: number;
}

class Writer {
  readonly #little: boolean;
  readonly #parts: number[] = [];

  constructor(little: boolean) {
    this.#little = little;
  }

  u16(value: number): this {
    const pair = [(value >>> 8) & 0xff, value & 0xff];
    this.#parts.push(...(this.#little ? pair.reverse() : pair));
    return this;
  }

  u32(value: number): this {
    const four = [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff);
    this.#parts.push(...(this.#little ? four.reverse() : four));
    return this;
  }

  u64(value: bigint): this {
    const high = Number((value >> 32n) & 0xffffffffn);
    const low = Number(value & 0xffffffffn);
    return this.#little ? this.u32(low).u32(high) : this.u32(high).u32(low);
  }

  raw(bytes: Iterable<number>): this {
    for (const byte of bytes) this.#parts.push(byte);
    return this;
  }

  done(): Uint8Array {
    return Uint8Array.from(this.#parts);
  }
}

/** A pcap file. */
export function pcapFile(frames: readonly BuiltFrame[], o: PcapOptions = {}): Uint8Array {
  const w = new Writer(o.little ?? true);
  w.u32(o.magic ?? (o.nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4));
  w.u16(o.version ?? 2)
    .u16(o.minorVersion ?? 4)
    .u32(0)
    .u32(0);
  w.u32(o.snapLength ?? 262_144).u32(o.linkType ?? 1);
  for (const { frame, sec = 0, nsec = 0, wireLength = frame.length } of frames) {
    w.u32(sec).u32(o.nanoseconds ? nsec : Math.floor(nsec / 1000));
    w.u32(frame.length).u32(wireLength).raw(frame);
  }
  return w.done();
}

/** One pcapng block; the body is padded to a multiple of four. */
export function block(type: number, body: Uint8Array, little = true, length?: number): Uint8Array {
  const padded = (body.length + 3) & ~3;
  const total = length ?? padded + 12;
  return new Writer(little)
    .u32(type)
    .u32(total)
    .raw(body)
    .raw(new Uint8Array(padded - body.length))
    .u32(total)
    .done();
}

export function section(little = true): Uint8Array {
  const body = new Writer(little).u32(0x1a2b3c4d).u16(1).u16(0).u64(0xffffffffffffffffn).done();
  return block(0x0a0d0d0a, body, little);
}

export interface InterfaceBlockOptions {
  readonly little?: boolean;
  readonly linkType?: number;
  readonly snapLength?: number;
  readonly name?: string;
  /** Option if_tsresol. */
  readonly resolution?: number;
  /** Option if_tsoffset. */
  readonly offsetSec?: bigint;
  /** Option if_fcslen. */
  readonly checkSequenceBytes?: number;
}

export function interfaceBlock(o: InterfaceBlockOptions = {}): Uint8Array {
  const little = o.little ?? true;
  const w = new Writer(little)
    .u16(o.linkType ?? 1)
    .u16(0)
    .u32(o.snapLength ?? 0);
  const option = (code: number, value: Uint8Array): void => {
    w.u16(code)
      .u16(value.length)
      .raw(value)
      .raw(new Uint8Array((4 - (value.length & 3)) & 3));
  };
  if (o.name !== undefined) option(2, new TextEncoder().encode(o.name));
  if (o.resolution !== undefined) option(9, Uint8Array.of(o.resolution));
  if (o.checkSequenceBytes !== undefined) option(13, Uint8Array.of(o.checkSequenceBytes));
  if (o.offsetSec !== undefined) option(14, new Writer(little).u64(BigInt.asUintN(64, o.offsetSec)).done());
  option(0, new Uint8Array());
  return block(1, w.done(), little);
}

/** An enhanced packet block with its time in ticks. */
export function enhancedPacket(ticks: bigint, f: BuiltFrame, little = true): Uint8Array {
  const w = new Writer(little).u32(f.interfaceId ?? 0);
  w.u32(Number(ticks >> 32n)).u32(Number(ticks & 0xffffffffn));
  w.u32(f.frame.length)
    .u32(f.wireLength ?? f.frame.length)
    .raw(f.frame);
  return block(6, w.done(), little);
}

/** The obsolete packet block. */
export function obsoletePacket(ticks: bigint, f: BuiltFrame, little = true): Uint8Array {
  const w = new Writer(little).u16(f.interfaceId ?? 0).u16(0xffff);
  w.u32(Number(ticks >> 32n)).u32(Number(ticks & 0xffffffffn));
  w.u32(f.frame.length)
    .u32(f.wireLength ?? f.frame.length)
    .raw(f.frame);
  return block(2, w.done(), little);
}

export function simplePacket(f: BuiltFrame, little = true): Uint8Array {
  return block(
    3,
    new Writer(little)
      .u32(f.wireLength ?? f.frame.length)
      .raw(f.frame)
      .done(),
    little,
  );
}
