import { type Pointer, toArrayBuffer } from "bun:ffi";
import { AmoskysError } from "../core/errors.ts";
import { type BpfMap, createBpfMap } from "./bpf-map.ts";
import { errno, libc } from "./libc.ts";
import { systemError } from "./system-error.ts";

/** Of x86-64. */
const pageBytes = 4096;
// asm-generic/mman-common.h, linux/mman.h
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
// linux/bpf.h
const BPF_RINGBUF_BUSY_BIT = 2 ** 31;
const BPF_RINGBUF_DISCARD_BIT = 2 ** 30;
const BPF_RINGBUF_HDR_SZ = 8;

/** Takes one record where it lies: `length` bytes from `offset`; they are gone when the call returns. */
export type RecordSink = (view: DataView, offset: number, length: number) => void;

/**
 * Of these only `consumed` may be written to. Atomics.load writes when it is compiled (it adds zero), so memory that is
 * mapped for reading alone is read plainly, which on x86-64 keeps the order of loads all the same.
 */
interface RingMemory {
  /** Where we have read to. */
  readonly consumed: BigUint64Array;
  /** Where programs have written to. */
  readonly produced: DataView;
  /** The records, mapped twice in a row, so that one that goes over the end can be read in one piece. */
  readonly data: DataView;
}

/**
 * Records that programs in the kernel write and this process reads (Linux 5.8): the first page holds the reader's
 * position, the second the writers', both in bytes since the start; then come the records, each behind 8 bytes with its
 * length.
 */
export class BpfRingBuffer {
  readonly map: BpfMap;
  readonly #bytes: number;
  readonly #addresses: readonly (readonly [address: number, bytes: number])[];
  /** Undefined once closed: the memory is not ours any more, and touching it would end the process. */
  #memory: RingMemory | undefined;

  constructor(map: BpfMap, bytes: number) {
    this.map = map;
    this.#bytes = bytes;
    const mappedBytes = pageBytes + 2 * bytes;
    const reader = mapPages(map.fd, pageBytes, PROT_READ | PROT_WRITE, 0);
    let writers: number;
    try {
      writers = mapPages(map.fd, mappedBytes, PROT_READ, pageBytes);
    } catch (caught) {
      libc().munmap(reader as Pointer, pageBytes);
      throw caught;
    }
    this.#addresses = [
      [reader, pageBytes],
      [writers, mappedBytes],
    ];
    this.#memory = {
      consumed: new BigUint64Array(toArrayBuffer(reader as Pointer, 0, 8)),
      produced: new DataView(toArrayBuffer(writers as Pointer, 0, 8)),
      data: new DataView(toArrayBuffer(writers as Pointer, pageBytes, 2 * bytes)),
    };
  }

  /** Hands every record that is whole to the sink, at most `recordsMax`; answers how many. Never waits. */
  read(sink: RecordSink, recordsMax = Number.POSITIVE_INFINITY): number {
    const memory = this.#memory;
    if (!memory) return 0;
    let records = 0;
    let position = Number(Atomics.load(memory.consumed, 0));
    const end = Number(memory.produced.getBigUint64(0, true));
    while (position < end && records < recordsMax) {
      const at = position % this.#bytes;
      const header = memory.data.getUint32(at, true);
      if (header >= BPF_RINGBUF_BUSY_BIT) break;
      const length = header % BPF_RINGBUF_DISCARD_BIT;
      position += BPF_RINGBUF_HDR_SZ + Math.ceil(length / 8) * 8;
      try {
        if (header < BPF_RINGBUF_DISCARD_BIT) {
          records += 1;
          sink(memory.data, at + BPF_RINGBUF_HDR_SZ, length);
        }
      } finally {
        Atomics.store(memory.consumed, 0, BigInt(position));
      }
    }
    return records;
  }

  /** Unmaps and closes. Safe twice. Records that were not read are gone. */
  close(): void {
    if (!this.#memory) return;
    this.#memory = undefined;
    for (const [address, bytes] of this.#addresses) libc().munmap(address as Pointer, bytes);
    this.map.close();
  }
}

function mapPages(fd: number, bytes: number, protection: number, offset: number): number {
  const address = libc().mmap(null, bytes, protection, MAP_SHARED, fd, offset);
  if (address !== -1n) return Number(address);
  throw systemError({ call: "mmap(BPF_MAP_TYPE_RINGBUF)", errno: errno(), what: "Cannot map a BPF ring buffer" });
}

/** Creates a ring buffer of `bytes`, a power of two and at least a page. */
export function createBpfRingBuffer(name: string, bytes: number): BpfRingBuffer {
  if (bytes < pageBytes || !Number.isInteger(Math.log2(bytes))) {
    throw new AmoskysError("usage", `A BPF ring buffer of ${bytes} bytes is impossible`, {
      hint: `a power of two, from ${pageBytes} on`,
    });
  }
  const map = createBpfMap({ name, type: "ring_buffer", keyBytes: 0, valueBytes: 0, entriesMax: bytes });
  try {
    return new BpfRingBuffer(map, bytes);
  } catch (caught) {
    map.close();
    throw caught;
  }
}
