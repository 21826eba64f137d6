import { type BpfMap, createBpfMap } from "./bpf-map.ts";
import { BpfAttributes } from "./bpf-syscall.ts";
import { libc } from "./libc.ts";

// linux/btf.h
const BTF_MAGIC = 0xeb9f;
const BTF_VERSION = 1;
const BTF_KIND_INT = 1;
const headerBytes = 24;
/** `struct btf_type` with the word that an integer has behind it. */
const integerBytes = 16;

/** The largest value that BTF can describe as one integer, 128 bits. */
const valueBytesMax = 16;

/** A BTF of two integers: the key (type 1, 4 bytes), and the value (type 2). */
function integerTypes(valueBytes: number): Uint8Array {
  const strings = new TextEncoder().encode("\0int\0");
  const view = new DataView(new ArrayBuffer(headerBytes + 2 * integerBytes + strings.length));
  view.setUint16(0, BTF_MAGIC, true);
  view.setUint8(2, BTF_VERSION);
  view.setUint32(4, headerBytes, true);
  view.setUint32(12, 2 * integerBytes, true);
  view.setUint32(16, 2 * integerBytes, true);
  view.setUint32(20, strings.length, true);
  for (const [i, bytes] of [4, valueBytes].entries()) {
    const at = headerBytes + i * integerBytes;
    view.setUint32(at, 1, true);
    view.setUint32(at + 4, BTF_KIND_INT << 24, true);
    view.setUint32(at + 8, bytes, true);
    view.setUint32(at + 12, bytes * 8, true);
  }
  const whole = new Uint8Array(view.buffer);
  whole.set(strings, headerBytes + 2 * integerBytes);
  return whole;
}

/**
 * Creates memory of `valueBytes` (8 or 16) for each thread, which goes with the thread: it needs no bound, and no other
 * thread that gets the same number later can meet it. Programs at tracepoints have it since Linux 5.12.
 */
export function createTaskStorage(name: string, valueBytes: 8 | typeof valueBytesMax): BpfMap {
  const btf = integerTypes(valueBytes);
  const what = `Cannot create the BPF map "${name}" (task_storage)`;
  const fd = new BpfAttributes().pointer(0, btf).u32(16, btf.length).callOrThrow("BPF_BTF_LOAD", what);
  try {
    const options = { name, type: "task_storage", keyBytes: 4, valueBytes, entriesMax: 0 } as const;
    return createBpfMap(options, { fd, keyType: 1, valueType: 2 });
  } finally {
    libc().close(fd);
  }
}
