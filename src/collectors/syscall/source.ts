import { AmoskysError } from "../../core/errors.ts";
import {
  type BpfEntries,
  type BpfMap,
  type BpfProgram,
  createBpfMap,
  createTaskStorage,
  loadBpfProgram,
} from "../../native/index.ts";
import type { SyscallConfig } from "./config.ts";
import { ExecSource } from "./exec-source.ts";
import { loadKernelOffsets } from "./kernel-offsets.ts";
import { callValue, countersValue, pairKey, pairValue, restValue, slotCount } from "./layout.ts";
import { enterProgram, exitProgram, ownProcessProgram, type SyscallMaps } from "./programs.ts";

/** What the kernel counted in one interval; the entries are overwritten by the next. */
export interface Interval {
  readonly entries: BpfEntries;
  readonly count: number;
}

/** Calls and errors of a slot that found no room among the pairs, since the source was opened. */
export interface RestFigures {
  readonly calls: number;
  readonly errors: number;
}

/** What went wrong since the source was opened. */
export interface Shortfall {
  /** Calls in the rest. */
  readonly unattributed: number;
  /** Calls that were seen and not counted at all. */
  readonly uncounted: number;
  readonly lostExecs: number;
}

const onlyKey = new Uint8Array(4);

function keyOf(index: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(index).buffer);
}

/** Programs at entry and exit of every system call, and the maps they count into. */
export class SyscallSource {
  readonly #config: SyscallConfig;
  /** In the order of opening. */
  #opened: { close(): void }[] = [];
  #programs: BpfProgram[] = [];
  #maps: SyscallMaps | undefined;
  #pairs: BpfMap | undefined;
  #entries: BpfEntries | undefined;
  #execs: ExecSource | undefined;
  #execFailure: AmoskysError | undefined;

  constructor(config: SyscallConfig) {
    this.#config = config;
  }

  /** Why executions are not seen although they are asked for. */
  get execFailure(): AmoskysError | undefined {
    return this.#execFailure;
  }

  /** Undefined where executions are not asked for or not to be had. */
  get execs(): ExecSource | undefined {
    return this.#execs;
  }

  /** Loads and attaches. Throws privilege_missing or facility_missing, and then holds nothing. */
  open(): void {
    try {
      this.#open();
    } catch (caught) {
      this.close();
      const { code, message, hint, details } = AmoskysError.from(caught);
      throw new AmoskysError(code, `System calls and executions cannot be seen: ${message}`, {
        ...(hint === undefined ? {} : { hint }),
        details,
        cause: caught,
      });
    }
  }

  /** Begins a new interval, and answers what was counted in the one that is over. */
  takeInterval(): Interval {
    const over = this.#pairs;
    if (!this.#maps || !over) return { entries: { keys: new Uint8Array(), values: new Uint8Array() }, count: 0 };
    this.#beginInterval(this.#maps.current);
    try {
      this.#entries ??= over.createEntries();
      return { entries: this.#entries, count: over.readEntries(this.#entries) };
    } finally {
      over.close();
    }
  }

  /** The slots that have calls without a pair. */
  rest(): Map<number, RestFigures> {
    const found = new Map<number, RestFigures>();
    for (let slot = 0; slot < slotCount && this.#maps; slot += 1) {
      const words = this.#maps.rest.sumWords(slot);
      const calls = words[restValue.calls / 8] as number;
      if (calls > 0) found.set(slot, { calls, errors: words[restValue.errors / 8] as number });
    }
    return found;
  }

  shortfall(): Shortfall {
    const words = this.#maps?.counters.sumWords(0) ?? [];
    const at = (offset: number) => words[offset / 8] ?? 0;
    const missed = this.#programs.reduce((sum, program) => sum + program.misses(), 0);
    return {
      unattributed: at(countersValue.unattributed),
      uncounted: at(countersValue.uncounted) + missed,
      lostExecs: at(countersValue.lostExecs) + (this.#execs?.misses() ?? 0),
    };
  }

  /** Detaches and releases everything. Safe twice. */
  close(): void {
    for (const opened of this.#opened.reverse()) opened.close();
    this.#opened = [];
    this.#programs = [];
    this.#pairs?.close();
    this.#pairs = undefined;
    this.#maps = undefined;
    this.#execs = undefined;
  }

  #open(): void {
    if (process.arch !== "x64") {
      throw new AmoskysError("facility_missing", `System calls of ${process.arch} have no names here`, {
        hint: "run amoskys agent syscall on x86-64",
      });
    }
    const own = this.#hold(loadBpfProgram("amoskys_own", ownProcessProgram())).run();
    const offsets = loadKernelOffsets();
    const maps = this.#createMaps();
    const excluded = this.#config.exclude_own ? own : -1;
    const enter = this.#hold(loadBpfProgram("amoskys_enter", enterProgram(maps, offsets, excluded)));
    const exit = this.#hold(loadBpfProgram("amoskys_exit", exitProgram(maps, offsets)));
    this.#maps = maps;
    this.#programs = [enter, exit];
    this.#beginInterval(maps.current);
    if (this.#config.exec_events) this.#openExecs(() => new ExecSource(this.#config, maps.counters, offsets));
    // exits first: one without its entry is left out, while an entry without its exit would wait
    this.#hold(exit.attachRawTracepoint("sys_exit"));
    this.#hold(enter.attachRawTracepoint("sys_enter"));
  }

  #createMaps(): SyscallMaps {
    const value = { keyBytes: 4, entriesMax: 1 } as const;
    const prototype = this.#createPairs();
    try {
      return {
        current: this.#hold(
          createBpfMap({ name: "amoskys_now", type: "array_of_maps", valueBytes: 4, inner: prototype, ...value }),
        ),
        blank: this.#hold(
          createBpfMap({ name: "amoskys_blank", type: "array", valueBytes: pairValue.bytes, ...value }),
        ),
        calls: this.#hold(createTaskStorage("amoskys_calls", callValue.bytes)),
        rest: this.#hold(
          createBpfMap({
            name: "amoskys_rest",
            type: "percpu_array",
            keyBytes: 4,
            valueBytes: restValue.bytes,
            entriesMax: slotCount,
          }),
        ),
        counters: this.#hold(
          createBpfMap({ name: "amoskys_counters", type: "percpu_array", valueBytes: countersValue.bytes, ...value }),
        ),
      };
    } finally {
      prototype.close();
    }
  }

  #createPairs(): BpfMap {
    const { pairs_max: entriesMax } = this.#config;
    const { bytes: keyBytes } = pairKey;
    return createBpfMap({ name: "amoskys_pairs", type: "hash", keyBytes, valueBytes: pairValue.bytes, entriesMax });
  }

  /** Has the programs count into a new map; when this returns, none of them writes to the old one any more. */
  #beginInterval(current: BpfMap): void {
    const pairs = this.#createPairs();
    try {
      current.update(onlyKey, keyOf(pairs.fd));
    } catch (caught) {
      pairs.close();
      throw caught;
    }
    this.#pairs = pairs;
  }

  /** Executions are the lesser part: without them the counts go on. */
  #openExecs(open: () => ExecSource): void {
    try {
      this.#execs = this.#hold(open());
    } catch (caught) {
      this.#execFailure = AmoskysError.from(caught);
    }
  }

  #hold<T extends { close(): void }>(opened: T): T {
    this.#opened.push(opened);
    return opened;
  }
}
