import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { AmoskysError, errnoOf } from "../core/errors.ts";

/** What a running role tells other processes of this home, in data/run/ROLE.json. */
export interface RunFile {
  readonly role: string;
  readonly pid: number;
  /** When the kernel started the process, in its own ticks: another process that got the pid later has another. */
  readonly start_ticks: string;
  /** Milliseconds since the Unix epoch. */
  readonly started_ms: number;
  readonly health_ports: readonly number[];
  /** The bus's own port. */
  readonly port?: number;
}

function runPath(dataDir: string, role: string): string {
  return join(dataDir, "run", `${role}.json`);
}

/** When a process started, in ticks since the boot (field 22 of /proc/PID/stat, proc(5)); "" where that is unknown. */
export function startTicks(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // the name, in parentheses, may itself hold spaces and parentheses; field 3 is the first behind it
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

/** A disk that takes nothing now and may later (errno(3)): a supervisor starts the role again until it does. */
const noSpace = new Set(["ENOSPC", "EDQUOT", "EROFS"]);

/** Publishes what is running; a reader sees the file whole or not at all. Throws `disk_full`. */
export function writeRunFile(dataDir: string, facts: RunFile): void {
  const path = runPath(dataDir, facts.role);
  const draft = `${path}.${facts.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(draft, `${JSON.stringify(facts)}\n`, { mode: 0o600 });
    renameSync(draft, path);
  } catch (caught) {
    const errno = errnoOf(caught) ?? "";
    if (!noSpace.has(errno)) throw caught;
    if (errno !== "EROFS") rmSync(draft, { force: true });
    throw new AmoskysError("disk_full", `Cannot write ${path}: its disk takes nothing now (${errno})`, {
      hint: `df -h ${dataDir}`,
      cause: caught,
    });
  }
}

/** Takes the file back, unless another process has written its own. */
export function removeRunFile(dataDir: string, role: string, pid: number): void {
  if (readRunFile(dataDir, role)?.pid === pid) rmSync(runPath(dataDir, role), { force: true });
}

/** Whether the process that wrote a run file is still there. */
function isAlive({ pid, start_ticks }: RunFile): boolean {
  try {
    process.kill(pid, 0);
  } catch (caught) {
    if (errnoOf(caught) !== "EPERM") return false;
  }
  return startTicks(pid) === start_ticks;
}

/** A file that a power cut left empty or torn tells nothing. */
function parseRunFile(text: string): RunFile | undefined {
  try {
    return JSON.parse(text) as RunFile;
  } catch {
    return undefined;
  }
}

/** What a role of this home told last, or undefined where none runs. */
export function readRunFile(dataDir: string, role: string): RunFile | undefined {
  let text: string;
  try {
    text = readFileSync(runPath(dataDir, role), "utf8");
  } catch (caught) {
    if (errnoOf(caught) === "ENOENT") return undefined;
    throw new AmoskysError("config_invalid", `Cannot read ${runPath(dataDir, role)}: ${errnoOf(caught)}`, {
      cause: caught,
    });
  }
  const facts = parseRunFile(text);
  return facts && isAlive(facts) ? facts : undefined;
}

/** Every role of this home that is alive. */
export function listRunFiles(dataDir: string): RunFile[] {
  let names: string[];
  try {
    names = readdirSync(join(dataDir, "run"));
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith(".json"))
    .map((name) => readRunFile(dataDir, name.slice(0, -".json".length)))
    .filter((facts) => facts !== undefined)
    .sort((a, b) => a.role.localeCompare(b.role));
}
