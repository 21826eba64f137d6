import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A process as the folder shows it. */
export interface FolderProcess {
  readonly pid: number;
  readonly name?: string | Uint8Array;
  readonly state?: string;
  readonly ppid?: number;
  readonly flags?: number;
  readonly userTicks?: number;
  readonly systemTicks?: number;
  readonly threads?: number;
  readonly startTicks?: number;
  readonly virtualBytes?: number;
  readonly residentPages?: number;
  /** Where its code starts: another one means that another program was executed. */
  readonly code?: number;
  readonly exe?: string;
  readonly cmdline?: string | Uint8Array;
  readonly uid?: number;
  readonly gid?: number;
  readonly cgroup?: string;
}

/** The bytes of a /proc/PID/stat. */
export function statBytes(process: FolderProcess): Buffer {
  const { pid, name = "sh", state = "S", ppid = 1, flags = 0x400000, userTicks = 0, systemTicks = 0 } = process;
  const { threads = 1, startTicks = 100, virtualBytes = 4096, residentPages = 1, code = 7 } = process;
  const before = `${state} ${ppid} 9 9 0 -1 ${flags} 1 2 3 4 ${userTicks} ${systemTicks} 5 6 20 0 ${threads} 0`;
  const after = `${startTicks} ${virtualBytes} ${residentPages} ${2n ** 64n - 1n} ${code} 8 9 0 0 0 0 17 1\n`;
  return Buffer.concat([Buffer.from(`${pid} (`), Buffer.from(name), Buffer.from(`) ${before} ${after}`)]);
}

/** A folder that looks like a mounted proc, and changes as a test wants it. */
export class ProcFolder {
  // in memory where there is such a place: thousands of processes are tens of thousands of files
  readonly path = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "amoskys-proc-"));

  constructor() {
    this.write("stat", "cpu  1 2 3 4 5 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\nbtime 1700000000\n");
    this.write("uptime", "1000.00 1.00\n");
    this.write("sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n");
  }

  /** Writes a file; its folders are made. */
  write(name: string, text: string | Uint8Array): void {
    mkdirSync(join(this.path, name, ".."), { recursive: true });
    writeFileSync(join(this.path, name), text);
  }

  add(process: FolderProcess): void {
    const { pid, exe, cmdline = "sh\0-c\0true\0", uid = 0, gid = 0, cgroup = "/" } = process;
    const folder = join(this.path, String(pid));
    this.remove(pid);
    mkdirSync(folder);
    writeFileSync(`${folder}/stat`, statBytes(process));
    writeFileSync(`${folder}/status`, `Name:\tx\nUid:\t1\t${uid}\t3\t4\nGid:\t1\t${gid}\t3\t4\n`);
    writeFileSync(`${folder}/cmdline`, cmdline);
    writeFileSync(`${folder}/cgroup`, `0::${cgroup}\n`);
    if (exe !== undefined) symlinkSync(exe, `${folder}/exe`);
  }

  remove(pid: number): void {
    rmSync(join(this.path, String(pid)), { recursive: true, force: true });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Waits until `check` holds; the test's own time limit ends it. */
export async function until(check: () => boolean): Promise<void> {
  while (!check()) await Bun.sleep(5);
}
