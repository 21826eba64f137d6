import {
  type BpfLink,
  type BpfMap,
  type BpfProgram,
  type BpfRingBuffer,
  createBpfRingBuffer,
  loadBpfProgram,
  type RecordSink,
} from "../../native/index.ts";
import type { SyscallConfig } from "./config.ts";
import { execProgram } from "./exec-program.ts";
import type { KernelOffsets } from "./kernel-offsets.ts";

/** A program at sched_process_exec and the ring buffer that it writes executions into. */
export class ExecSource {
  readonly #ring: BpfRingBuffer;
  readonly #program: BpfProgram;
  readonly #link: BpfLink;

  /** Loads and attaches. Throws privilege_missing or facility_missing, and then holds nothing. */
  constructor(config: SyscallConfig, counters: BpfMap, offsets: KernelOffsets) {
    const opened: { close(): void }[] = [];
    try {
      this.#ring = createBpfRingBuffer("amoskys_execs", config.ring_bytes);
      opened.push(this.#ring);
      const instructions = execProgram({ ring: this.#ring.map, counters }, offsets, config.args_bytes_max);
      this.#program = loadBpfProgram("amoskys_exec", instructions);
      opened.push(this.#program);
      this.#link = this.#program.attachRawTracepoint("sched_process_exec");
    } catch (caught) {
      for (const part of opened) part.close();
      throw caught;
    }
  }

  /** Hands over what has come, at most `recordsMax`; answers how many. */
  read(sink: RecordSink, recordsMax?: number): number {
    return this.#ring.read(sink, recordsMax);
  }

  /** Executions that met the program while it was running. */
  misses(): number {
    return this.#program.misses();
  }

  /** Sees no more; what has come can still be read until `close`. */
  detach(): void {
    this.#link.close();
  }

  /** Safe twice. */
  close(): void {
    this.#link.close();
    this.#program.close();
    this.#ring.close();
  }
}
