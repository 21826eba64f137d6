import { readdirSync, readlinkSync } from "node:fs";
import { errnoOf } from "../core/errors.ts";
import { type CgroupPlace, parseCgroup } from "./cgroup.ts";
import { parseCommandLine } from "./command-line.ts";
import { denied, FileReader, forbidden, gone } from "./file-reader.ts";
import { parseCount } from "./numbers.ts";
import { type ProcessStat, parseProcessStat } from "./process-stat.ts";

/** What a process is, beside the numbers of its stat. */
export interface ProcessFacts {
  /** Target of the link: empty for kernel threads, zombies and where this user may not see it; ` (deleted)` at its end
   * is the kernel's word for a file that is gone. */
  readonly exe: string;
  /** The kernel keeps the file from this user, and with it addresses (ptrace(2), access mode). */
  readonly isExeHidden: boolean;
  /** Empty for kernel threads, zombies, and processes that have overwritten theirs. */
  readonly args: readonly string[];
  /** Effective ids. */
  readonly uid: number;
  readonly gid: number;
  readonly cgroup: CgroupPlace;
}

/** How reading a process ended. */
export type ReadOutcome = "read" | "gone" | "denied";

const pathBytesMax = 4096;
const nameLengthMax = 64;
const cgroupsKeptMax = 4096;

const noExe = { exe: "", isExeHidden: false } as const;

const tab = 0x09;
const uidMark = Buffer.from("\nUid:\t");
const gidMark = Buffer.from("\nGid:\t");

/** The longest command line that can be asked for, with room for the byte behind it that says it was cut. */
const bytesFirst = 65_536 + 4096;

function validText(text: string): string {
  return text.toWellFormed().slice(0, pathBytesMax);
}

/** Reads processes under a proc file system. One is used by one reader at a time: its buffer is used again. */
export class ProcessReader {
  readonly #root: string;
  readonly #reader = new FileReader(bytesFirst);
  /** Paths of control groups are few: each is kept once. */
  readonly #cgroups = new Map<string, CgroupPlace>();

  constructor(root: string) {
    this.#root = root;
  }

  /** The processes there are, in the kernel's order. Throws what readdir(3) throws. */
  pids(): number[] {
    const found: number[] = [];
    for (const name of readdirSync(this.#root)) {
      const first = name.charCodeAt(0);
      if (first >= 0x31 && first <= 0x39) found.push(Number(name));
    }
    return found;
  }

  /** Fills `out`; the name is read by `name` before anything else is. */
  readStat(pid: number, out: ProcessStat): ReadOutcome {
    const length = this.#reader.readOnce(`${this.#root}/${pid}/stat`);
    if (length === denied) return "denied";
    if (length === gone || !parseProcessStat(this.#reader.bytes, length, out)) return "gone";
    return "read";
  }

  /** The name of the process whose stat was read last. */
  name({ nameStart, nameEnd }: ProcessStat): string {
    return this.#reader.bytes.toString("utf8", nameStart, Math.min(nameEnd, nameStart + nameLengthMax));
  }

  /** Undefined when the process has ended; of the arguments at most `argsBytesMax` bytes. */
  readFacts(pid: number, isKernelThread: boolean, argsBytesMax: number): ProcessFacts | undefined {
    const folder = `${this.#root}/${pid}`;
    const ids = this.#ids(folder);
    if (ids === undefined) return undefined;
    return {
      ...ids,
      ...(isKernelThread ? noExe : this.#exe(folder)),
      args: isKernelThread ? [] : this.#args(folder, argsBytesMax),
      cgroup: this.cgroup(pid) ?? parseCgroup(""),
    };
  }

  /** Undefined when the process has ended, or where the kernel has no control groups. */
  cgroup(pid: number): CgroupPlace | undefined {
    const length = this.#reader.readOnce(`${this.#root}/${pid}/cgroup`);
    if (length <= 0) return undefined;
    const text = this.#reader.bytes.toString("utf8", 0, length);
    const known = this.#cgroups.get(text);
    if (known) return known;
    const place = parseCgroup(text);
    if (this.#cgroups.size >= cgroupsKeptMax) this.#cgroups.clear();
    this.#cgroups.set(text, place);
    return place;
  }

  /** Resident pages out of /proc/PID/statm, summed over all processors; undefined when the process has ended. */
  residentPages(pid: number): number | undefined {
    const length = this.#reader.readOnce(`${this.#root}/${pid}/statm`);
    const pages = length > 0 ? this.#reader.bytes.toString("latin1", 0, length).split(" ")[1] : undefined;
    return parseCount(pages);
  }

  /** How many descriptors are open; undefined where this user may not see them or the process has ended. */
  descriptors(pid: number): number | undefined {
    try {
      return readdirSync(`${this.#root}/${pid}/fd`).length;
    } catch {
      return undefined;
    }
  }

  /** Effective ids out of /proc/PID/status; a newline in the name is escaped there by the kernel. */
  #ids(folder: string): { uid: number; gid: number } | undefined {
    const length = this.#reader.readOnce(`${folder}/status`);
    const uid = this.#secondNumber(uidMark, length);
    const gid = this.#secondNumber(gidMark, length);
    return uid === undefined || gid === undefined ? undefined : { uid, gid };
  }

  /** The second number behind a mark in what was read: of an id's four, the effective one. */
  #secondNumber(mark: Buffer, length: number): number | undefined {
    const { bytes } = this.#reader;
    const start = bytes.indexOf(mark) + mark.length;
    const first = bytes.indexOf(tab, start);
    const second = bytes.indexOf(tab, first + 1);
    if (start < mark.length || first < 0 || second < 0 || second >= length) return undefined;
    return parseCount(bytes.toString("latin1", first + 1, second));
  }

  #exe(folder: string): Pick<ProcessFacts, "exe" | "isExeHidden"> {
    try {
      return { exe: validText(readlinkSync(`${folder}/exe`)), isExeHidden: false };
    } catch (caught) {
      const errno = errnoOf(caught);
      if (errno === undefined) throw caught;
      return forbidden.has(errno) ? { exe: "", isExeHidden: true } : noExe;
    }
  }

  #args(folder: string, bytesMax: number): string[] {
    const length = this.#reader.readOnce(`${folder}/cmdline`, bytesMax + 1);
    return length <= 0 ? [] : parseCommandLine(this.#reader.bytes, length, bytesMax);
  }
}
