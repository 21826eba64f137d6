import { AmoskysError, errnoOf } from "../../core/errors.ts";
import {
  createProcessStat,
  entityIdOf,
  FileReader,
  type ProcessFacts,
  ProcessReader,
  type ProcessStat,
  readBootId,
  readBootTimeS,
  readPageBytes,
  readSystemStat,
  readUptimeS,
  startTimeNs,
  ticksPerSecond,
} from "../../procfs/index.ts";
import type { ProcConfig } from "./config.ts";
import { isSelected } from "./process-filter.ts";
import { refresh, type TrackedProcess } from "./tracked-process.ts";

/** So many processes are read before other work of this thread gets its turn. */
const turnProcesses = 256;

/** What one round saw. Processes that are filtered out are in none of the lists. */
export interface Round {
  readonly isFirst: boolean;
  /** There since before the first round, and told for the first time. */
  readonly seen: TrackedProcess[];
  readonly started: TrackedProcess[];
  readonly executed: TrackedProcess[];
  readonly ended: TrackedProcess[];
  /** There, but not to be read by this user (hidepid=1). */
  hidden: number;
  /** Ended while they were read. */
  vanished: number;
  /** There, but reading them failed, the last time with this errno. */
  unread: number;
  unreadErrno: string;
  /** Whether processes of others do not appear at all (hidepid=2): the first process of the system is missing. */
  isPartial: boolean;
}

/** The processes of one proc file system, round by round. */
export class ProcessSource {
  readonly #config: ProcConfig;
  readonly #reader: ProcessReader;
  readonly #stat: ProcessStat = createProcessStat();
  readonly #pageBytes = readPageBytes();
  readonly #table = new Map<number, TrackedProcess>();
  /** Pids that the first round could not read: not told yet, but not started since. */
  #untold = new Set<number>();
  #bootId = "";
  #bootTimeS = 0;
  #round = 0;

  constructor(config: ProcConfig) {
    this.#config = config;
    this.#reader = new ProcessReader(config.proc_root);
  }

  /** Throws `facility_missing` where there is no /proc. */
  open(): void {
    const { proc_root: root } = this.#config;
    readSystemStat(root, new FileReader(), "proc.proc_root");
    this.#bootId = readBootId(root);
  }

  /** All that were there in the last round, also those that the filters leave out. */
  processes(): Iterable<TrackedProcess> {
    return this.#table.values();
  }

  descriptors(pid: number): number | undefined {
    return this.#reader.descriptors(pid);
  }

  /** As exact as the kernel knows it; what a round has of every process lags behind by some pages a processor. */
  residentBytes(pid: number): number | undefined {
    const pages = this.#reader.residentPages(pid);
    return pages === undefined ? undefined : pages * this.#pageBytes;
  }

  /** Looks at every process once; `nowMs` tells monotonic time. Where it throws, the table is as it was. */
  async look(nowMs: () => number): Promise<Round> {
    const pids = this.#pids();
    const round: Round = {
      isFirst: this.#round === 0,
      seen: [],
      started: [],
      executed: [],
      ended: [],
      hidden: 0,
      vanished: 0,
      unread: 0,
      unreadErrno: "",
      isPartial: !pids.includes(1),
    };
    this.#bootTimeS = readBootTimeS(this.#config.proc_root) ?? this.#bootTimeS;
    const uptimeS = readUptimeS(this.#config.proc_root);
    this.#round += 1;
    let turn = 0;
    for (const pid of pids) {
      turn += 1;
      if (turn % turnProcesses === 0) await new Promise((resume) => setImmediate(resume));
      try {
        this.#lookAt(pid, nowMs(), uptimeS, round);
      } catch (caught) {
        const errno = errnoOf(caught);
        if (errno === undefined) throw caught;
        round.unread += 1;
        round.unreadErrno = errno;
        this.#leave(pid, round);
      }
    }
    this.#sweep(round);
    if (this.#untold.size > 0) this.#untold = this.#untold.intersection(new Set(pids));
    return round;
  }

  #pids(): number[] {
    try {
      return this.#reader.pids();
    } catch (caught) {
      const { proc_root: root } = this.#config;
      throw new AmoskysError("internal", `Cannot list "${root}": ${errnoOf(caught) ?? caught}`, { cause: caught });
    }
  }

  #lookAt(pid: number, atMs: number, uptimeS: number | undefined, round: Round): void {
    const known = this.#table.get(pid);
    const outcome = this.#reader.readStat(pid, this.#stat);
    if (outcome === "denied") {
      round.hidden += 1;
      this.#leave(pid, round);
      return;
    }
    if (outcome === "gone") {
      round.vanished += 1;
      return;
    }
    if (known && known.startTicks === this.#stat.startTicks) this.#update(known, atMs, round);
    else {
      if (known) this.#end(known, round);
      this.#add(pid, atMs, uptimeS, round);
    }
  }

  /** It is there, though not to be read: no end of it is made up, and no start later of what was there before. */
  #leave(pid: number, round: Round): void {
    const known = this.#table.get(pid);
    if (known) known.round = this.#round;
    if (round.isFirst) this.#untold.add(pid);
  }

  #update(known: TrackedProcess, atMs: number, round: Round): void {
    const stat = this.#stat;
    known.round = this.#round;
    refresh(known, stat, atMs, this.#pageBytes);
    if (known.nameHash === stat.nameHash && known.imageHash === stat.imageHash) return;
    const isImageNew = known.imageHash !== stat.imageHash;
    known.name = this.#reader.name(stat);
    // kernel threads are named anew with their work, and an ending process loses its image: neither executes anything
    const facts = stat.virtualBytes === 0 ? undefined : this.#facts(known.pid, stat, known.name);
    // not before the facts are there: where they cannot be read, the next round finds the change again
    known.nameHash = stat.nameHash;
    known.imageHash = stat.imageHash;
    if (facts === undefined || (facts.exe === "" && known.facts.exe !== "")) return;
    if (!isImageNew && facts.exe === known.facts.exe) return;
    known.facts = facts;
    // what was in view stays so to its end
    known.isSelected ||= isSelected({ ...known, exe: facts.exe }, this.#config);
    if (known.isSelected) round.executed.push(known);
  }

  #add(pid: number, atMs: number, uptimeS: number | undefined, round: Round): void {
    const stat = this.#stat;
    const { startTicks, nameHash, imageHash } = stat;
    const name = this.#reader.name(stat);
    const facts = this.#facts(pid, stat, name);
    if (facts === undefined) {
      round.vanished += 1;
      return;
    }
    const entityId = entityIdOf(this.#bootId, pid, startTicks);
    const ageS = uptimeS === undefined ? 0 : uptimeS - startTicks / ticksPerSecond;
    const tracked: TrackedProcess = {
      pid,
      startTicks,
      startNs: startTimeNs(this.#bootTimeS, startTicks),
      entityId,
      isSelected: isSelected({ pid, name, exe: facts.exe, entityId }, this.#config),
      name,
      facts,
      ppid: 0,
      state: "",
      threads: 0,
      virtualBytes: 0,
      residentBytes: 0,
      cpuTicks: 0,
      cpuPercent: 0,
      // at first sight, CPU is over its life
      lookedMs: atMs - ageS * 1000,
      nameHash,
      imageHash,
      round: this.#round,
    };
    refresh(tracked, stat, atMs, this.#pageBytes);
    this.#table.set(pid, tracked);
    const wasThere = this.#untold.delete(pid) || round.isFirst;
    if (tracked.isSelected) (wasThere ? round.seen : round.started).push(tracked);
  }

  #facts(pid: number, stat: ProcessStat, name: string): ProcessFacts | undefined {
    const facts = this.#reader.readFacts(pid, stat.isKernelThread, this.#config.args_bytes_max);
    // without arguments (kernel threads, zombies) the name in brackets stands for them, as ps has it
    return facts?.args.length === 0 ? { ...facts, args: [`[${name}]`] } : facts;
  }

  #end(tracked: TrackedProcess, round: Round): void {
    this.#table.delete(tracked.pid);
    if (tracked.isSelected) round.ended.push(tracked);
  }

  #sweep(round: Round): void {
    for (const tracked of this.#table.values()) {
      if (tracked.round === this.#round) continue;
      this.#end(tracked, round);
    }
  }
}
