import { readFileSync } from "node:fs";
import { BpfAttributes, bpfError } from "./bpf-syscall.ts";
import { libc } from "./libc.ts";
import { errnoName } from "./system-error.ts";

/** enum bpf_map_type of linux/bpf.h. */
const mapTypes = {
  hash: 1,
  array: 2,
  percpu_array: 6,
  array_of_maps: 12,
  ring_buffer: 27,
  task_storage: 29,
} as const;
export type BpfMapType = keyof typeof mapTypes;

const BPF_F_NO_PREALLOC = 1;

export interface BpfMapOptions {
  /** At most 15 letters, digits, `_` and `.`; tools show it. */
  readonly name: string;
  readonly type: BpfMapType;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly entriesMax: number;
  /** What the maps in an `array_of_maps` are like. */
  readonly inner?: BpfMap;
}

/** What storage of tasks is described with: `types` outlives the call. */
export interface BpfStorageTypes {
  readonly fd: number;
  readonly keyType: number;
  readonly valueType: number;
}

/** Room for all entries of a hash map, to be read into again and again. */
export interface BpfEntries {
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
}

/** A table that programs in the kernel and this process share. It lives as long as a descriptor or a program has it. */
export class BpfMap {
  readonly fd: number;
  readonly options: BpfMapOptions;
  #open = true;

  constructor(fd: number, options: BpfMapOptions) {
    this.fd = fd;
    this.options = options;
  }

  /** Copies the value of a key; answers whether there is one. */
  lookup(key: Uint8Array, value: Uint8Array): boolean {
    const result = this.#element(key, value).call("BPF_MAP_LOOKUP_ELEM");
    if (result >= 0) return true;
    if (errnoName(-result) === "ENOENT") return false;
    throw bpfError("BPF_MAP_LOOKUP_ELEM", -result, `Cannot read the BPF map "${this.options.name}"`);
  }

  /**
   * Sets the value of a key. Where the value is a map (its descriptor), every program has left the one before when this
   * returns.
   */
  update(key: Uint8Array, value: Uint8Array): void {
    this.#element(key, value).callOrThrow("BPF_MAP_UPDATE_ELEM", `Cannot write the BPF map "${this.options.name}"`);
  }

  /** The 64-bit words at an index of a `percpu_array`, each summed up over all processors. */
  sumWords(index: number): number[] {
    const words = Math.ceil(this.options.valueBytes / 8);
    const values = new BigUint64Array(words * possibleProcessors());
    this.lookup(new Uint8Array(Uint32Array.of(index).buffer), new Uint8Array(values.buffer));
    const sums = new Array<number>(words).fill(0);
    for (const [i, value] of values.entries()) sums[i % words] = (sums[i % words] as number) + Number(value);
    return sums;
  }

  /** Room for every entry. */
  createEntries(): BpfEntries {
    const { keyBytes, valueBytes, entriesMax } = this.options;
    return { keys: new Uint8Array(keyBytes * entriesMax), values: new Uint8Array(valueBytes * entriesMax) };
  }

  /** Copies all entries of a hash map that nobody writes to any more; answers how many there are. */
  readEntries(into: BpfEntries): number {
    const { entriesMax, name } = this.options;
    const position = new Uint8Array(8);
    const attributes = new BpfAttributes()
      .pointer(8, position)
      .pointer(16, into.keys)
      .pointer(24, into.values)
      .u32(32, entriesMax)
      .u32(36, this.fd);
    const result = attributes.call("BPF_MAP_LOOKUP_BATCH");
    // the room is for all, so one call reaches the end, which the kernel tells as ENOENT
    if (result >= 0 || errnoName(-result) === "ENOENT") return attributes.read(32);
    throw bpfError("BPF_MAP_LOOKUP_BATCH", -result, `Cannot read the BPF map "${name}"`);
  }

  /** Safe twice. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    libc().close(this.fd);
  }

  #element(key: Uint8Array, value: Uint8Array): BpfAttributes {
    return new BpfAttributes().u32(0, this.fd).pointer(8, key).pointer(16, value);
  }
}

let processors: number | undefined;

/** Processors that this kernel could ever have: a `percpu_array` has a value for each. */
function possibleProcessors(): number {
  const list = () => readFileSync("/sys/devices/system/cpu/possible", "latin1");
  processors ??= Number(/(\d+)\s*$/.exec(list())?.[1] ?? 0) + 1;
  return processors;
}

/** Creates a map. Throws privilege_missing or facility_missing; `internal` where the sizes are impossible. */
export function createBpfMap(options: BpfMapOptions, types?: BpfStorageTypes): BpfMap {
  const { name, type, keyBytes, valueBytes, entriesMax, inner } = options;
  const attributes = new BpfAttributes()
    .u32(0, mapTypes[type])
    .u32(4, keyBytes)
    .u32(8, valueBytes)
    .u32(12, entriesMax)
    .u32(16, type === "task_storage" ? BPF_F_NO_PREALLOC : 0)
    .u32(20, inner?.fd ?? 0)
    .name(28, name);
  if (types) attributes.u32(48, types.fd).u32(52, types.keyType).u32(56, types.valueType);
  return new BpfMap(attributes.callOrThrow("BPF_MAP_CREATE", `Cannot create the BPF map "${name}" (${type})`), options);
}
