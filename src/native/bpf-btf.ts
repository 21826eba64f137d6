import { readFileSync } from "node:fs";
import { AmoskysError, errnoOf } from "../core/errors.ts";

// linux/btf.h
const BTF_MAGIC = 0xeb9f;
const typeBytes = 12;
const memberBytes = 12;
const kinds = { integer: 1, array: 3, struct: 4, union: 5, declarationTag: 17, variable: 14 } as const;
/** Bytes behind `struct btf_type`, by kind: fixed ones, and those for each of its `vlen` members. */
const extraBytes: ReadonlyMap<number, readonly [fixed: number, each: number]> = new Map([
  [kinds.integer, [4, 0]],
  [kinds.array, [12, 0]],
  [kinds.struct, [0, memberBytes]],
  [kinds.union, [0, memberBytes]],
  [6, [0, 8]],
  [13, [0, 8]],
  [kinds.variable, [4, 0]],
  [15, [0, 12]],
  [kinds.declarationTag, [4, 0]],
  [19, [0, 12]],
]);
const kindsKnown = 19;

const kernelTypesPath = "/sys/kernel/btf/vmlinux";

/** Where members lie in the structures of the running kernel. */
export interface KernelTypes {
  /** Byte offset of a member, also inside unnamed ones; undefined where this kernel has none of that name. */
  offsetOf(structure: string, member: string): number | undefined;
}

class BtfReader implements KernelTypes {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #strings: number;
  /** Where each type starts, by its number. */
  readonly #types: number[] = [0];
  readonly #structures = new Map<string, number>();

  constructor(bytes: Uint8Array, wanted: ReadonlySet<string>) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const view = this.#view;
    if (bytes.length < 24 || view.getUint16(0, true) !== BTF_MAGIC) throw damaged("it does not start as one");
    const body = view.getUint32(4, true);
    const first = body + view.getUint32(8, true);
    const end = first + view.getUint32(12, true);
    this.#strings = body + view.getUint32(16, true);
    if (end > bytes.length || this.#strings + view.getUint32(20, true) > bytes.length) throw damaged("it is cut off");
    this.#walk(first, end, wanted);
  }

  offsetOf(structure: string, member: string): number | undefined {
    const type = this.#structures.get(structure);
    return type === undefined ? undefined : this.#member(type, member, 0);
  }

  #walk(first: number, end: number, wanted: ReadonlySet<string>): void {
    for (let at = first; at < end; ) {
      if (at + typeBytes > end) throw damaged("it is cut off");
      const { kind, members } = this.#info(at);
      if (kind < 1 || kind > kindsKnown) throw damaged(`it has a type of kind ${kind}`);
      this.#types.push(at);
      if (kind === kinds.struct) {
        const name = this.#text(this.#view.getUint32(at, true));
        if (wanted.has(name)) this.#structures.set(name, at);
      }
      const [fixed, each] = extraBytes.get(kind) ?? [0, 0];
      at += typeBytes + fixed + each * members;
    }
  }

  #info(at: number): { kind: number; members: number; hasBitFields: boolean } {
    const info = this.#view.getUint32(at + 4, true);
    return { kind: (info >>> 24) & 0x1f, members: info & 0xffff, hasBitFields: info >>> 31 === 1 };
  }

  #member(type: number, wanted: string, depth: number): number | undefined {
    const { kind, members, hasBitFields } = this.#info(type);
    if ((kind !== kinds.struct && kind !== kinds.union) || depth > 8) return undefined;
    for (let i = 0; i < members; i += 1) {
      const at = type + typeBytes + i * memberBytes;
      const name = this.#text(this.#view.getUint32(at, true));
      const place = this.#view.getUint32(at + 8, true);
      const offset = (hasBitFields ? place & 0xffffff : place) / 8;
      if (name === wanted) return offset;
      if (name !== "") continue;
      const inside = this.#types[this.#view.getUint32(at + 4, true)];
      const found = inside ? this.#member(inside, wanted, depth + 1) : undefined;
      if (found !== undefined) return offset + found;
    }
    return undefined;
  }

  #text(offset: number): string {
    const start = this.#strings + offset;
    const end = this.#bytes.indexOf(0, start);
    const { buffer, byteOffset } = this.#bytes;
    return Buffer.from(buffer, byteOffset).toString("latin1", start, end < 0 ? start : end);
  }
}

function damaged(why: string): AmoskysError {
  return new AmoskysError("facility_missing", `Cannot read the types of this kernel: ${why}`, {
    hint: `look at ${kernelTypesPath} with bpftool btf dump`,
  });
}

/** Reads BTF (linux/btf.h) and keeps where the members of the wanted structures lie. Throws on what is none. */
export function parseKernelTypes(bytes: Uint8Array, structures: readonly string[]): KernelTypes {
  try {
    return new BtfReader(bytes, new Set(structures));
  } catch (caught) {
    // a read outside the bytes
    if (caught instanceof RangeError) throw damaged("it is cut off");
    throw caught;
  }
}

/** The types of the running kernel; a few milliseconds for 5 MB. Throws facility_missing where it tells none. */
export function loadKernelTypes(structures: readonly string[], path = kernelTypesPath): KernelTypes {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (caught) {
    throw new AmoskysError("facility_missing", `This kernel tells no types: ${path}: ${errnoOf(caught) ?? caught}`, {
      hint: "a kernel with CONFIG_DEBUG_INFO_BTF",
      cause: caught,
    });
  }
  return parseKernelTypes(bytes, structures);
}
