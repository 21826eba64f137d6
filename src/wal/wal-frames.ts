import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { pageBytes } from "./engine.ts";

// sqlite.org/fileformat2.html, section 4: a header, then frames of a header and a page each.
const headerBytes = 32;
const frameHeaderBytes = 24;
const frameBytes = frameHeaderBytes + pageBytes;
const magicLittleEndian = 0x377f0682;
const magicBigEndian = 0x377f0683;

/** Where one page lies in a write-ahead file. */
export interface WalFrame {
  readonly page: number;
  /** Offset of the page's bytes in the file. */
  readonly offset: number;
}

/** What a write-ahead file holds. */
export interface WalFrames {
  /** Frames of whole, committed transactions, in order: what SQLite will take. */
  readonly committed: WalFrame[];
  /** Frames behind the first broken one that were written after it. */
  readonly stranded: WalFrame[];
  /** Number of the broken frame, from 1, where something that was synced behind it is lost to SQLite. */
  readonly brokenAt: number | undefined;
}

const none: WalFrames = { committed: [], stranded: [], brokenAt: undefined };

/** Running checksum of section 4.2: two sums over pairs of 32-bit words. */
class Checksum {
  s0 = 0;
  s1 = 0;
  readonly #littleEndian: boolean;

  constructor(littleEndian: boolean) {
    this.#littleEndian = littleEndian;
  }

  add(view: DataView, offset: number, length: number): void {
    let { s0, s1 } = this;
    for (let at = offset; at < offset + length; at += 8) {
      s0 = (s0 + view.getUint32(at, this.#littleEndian) + s1) >>> 0;
      s1 = (s1 + view.getUint32(at + 4, this.#littleEndian) + s0) >>> 0;
    }
    this.s0 = s0;
    this.s1 = s1;
  }

  equals(view: DataView, offset: number): boolean {
    return view.getUint32(offset) === this.s0 && view.getUint32(offset + 4) === this.s1;
  }
}

/**
 * Reads a write-ahead file the way SQLite recovers it, and beyond: SQLite stops at the first broken frame without a
 * word. A transaction that was cut off while it was written looks like that too, but it is the last one; where another
 * commit follows, a record that was synced has been damaged. No file, an empty one: no frames.
 */
export function readWalFrames(path: string): WalFrames {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return none;
  }
  try {
    return scan(fd, fstatSync(fd).size);
  } finally {
    closeSync(fd);
  }
}

/** Whether the file still is the run it was: a writer may have begun it anew while it was read. */
function hasSalts(fd: number, view: DataView, salts: readonly [number, number]): boolean {
  readSync(fd, view, 0, headerBytes, 0);
  return view.getUint32(16) === salts[0] && view.getUint32(20) === salts[1];
}

function scan(fd: number, size: number): WalFrames {
  const buffer = new Uint8Array(frameBytes);
  const view = new DataView(buffer.buffer);
  if (size < headerBytes || readSync(fd, buffer, 0, headerBytes, 0) < headerBytes) return none;
  const magic = view.getUint32(0);
  if (magic !== magicLittleEndian && magic !== magicBigEndian) return none;
  const checksum = new Checksum(magic === magicLittleEndian);
  checksum.add(view, 0, 24);
  if (!checksum.equals(view, 24) || view.getUint32(8) !== pageBytes) return none;
  const salts = [view.getUint32(16), view.getUint32(20)] as const;

  const frames: WalFrame[] = [];
  let committed = 0;
  const behind: { frame: WalFrame; commits: boolean }[] = [];
  let broken: number | undefined;
  for (let number = 1; headerBytes + number * frameBytes <= size; number += 1) {
    const offset = headerBytes + (number - 1) * frameBytes;
    if (readSync(fd, buffer, 0, frameBytes, offset) < frameBytes) break;
    const frame = { page: view.getUint32(0), offset: offset + frameHeaderBytes };
    const commits = view.getUint32(4) !== 0;
    const ofThisRun = view.getUint32(8) === salts[0] && view.getUint32(12) === salts[1];
    if (broken === undefined) {
      checksum.add(view, 0, 8);
      checksum.add(view, frameHeaderBytes, pageBytes);
      if (ofThisRun && frame.page > 0 && checksum.equals(view, 16)) {
        frames.push(frame);
        if (commits) committed = frames.length;
        continue;
      }
      broken = number;
    }
    if (ofThisRun) behind.push({ frame, commits });
  }
  const cutOff = behind.findIndex(({ commits }) => commits);
  const lost = cutOff >= 0 && cutOff < behind.length - 1 && hasSalts(fd, view, salts);
  return {
    committed: frames.slice(0, committed),
    stranded: behind.map(({ frame }) => frame),
    brokenAt: lost ? broken : undefined,
  };
}
