import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

/** What a process did to the files of one folder, in order, as strace saw it. */
export type FileOperation =
  | { readonly do: "create" | "unlink" | "sync"; readonly file: string }
  | { readonly do: "write"; readonly file: string; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly do: "truncate"; readonly file: string; readonly size: number }
  | { readonly do: "sync-folder" }
  | { readonly do: "ack"; readonly sequence: number };

const calls = "openat,close,pwrite64,write,ftruncate,unlink,fsync,fdatasync";

/** Runs a command and records what it writes in a folder and says on its output; undefined where strace is not. */
export function recordWrites(command: readonly string[], folder: string): FileOperation[] | undefined {
  const strace = Bun.which("strace");
  if (!strace) return undefined;
  const trace = `${folder}.trace`;
  const options = ["-f", "-qq", "-xx", "-s", "100000", "-o", trace, "-e", `trace=${calls}`, "-e", "signal=none"];
  const { exitCode, stderr } = Bun.spawnSync([strace, ...options, ...command], { stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`strace: ${stderr.toString()}`);
  const text = readFileSync(trace, "latin1");
  rmSync(trace);
  return [...parse(text, folder)];
}

function unhex(text: string): Buffer {
  return Buffer.from(text.replaceAll("\\x", ""), "hex");
}

/** Lines of strace with calls that were interrupted by another thread's joined again. */
function* wholeLines(text: string): Generator<string> {
  const begun = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, pid = "", rest = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    if (rest.endsWith("<unfinished ...>")) begun.set(pid, rest.slice(0, -"<unfinished ...>".length));
    else yield resumed ? (begun.get(pid) ?? "") + resumed[1] : rest;
  }
}

function* parse(text: string, folder: string): Generator<FileOperation> {
  const files = new Map<number, string>();
  for (const line of wholeLines(text)) {
    const [, name = "", args = "", result = ""] = /^(\w+)\((.*)\) += (-?\d+)/.exec(line) ?? [];
    const strings = [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map((match) => unhex(match[1] as string));
    const fd = Number.parseInt(args, 10);
    const file = files.get(fd);
    if (Number(result) < 0) continue;
    if (name === "openat") {
      const path = strings[0]?.toString() ?? "";
      if (path !== folder && !path.startsWith(`${folder}/`)) continue;
      files.set(Number(result), path === folder ? "" : basename(path));
      if (args.includes("O_CREAT")) yield { do: "create", file: basename(path) };
    } else if (name === "close") {
      files.delete(fd);
    } else if (name === "unlink" && strings[0]?.toString().startsWith(`${folder}/`)) {
      yield { do: "unlink", file: basename(strings[0].toString()) };
    } else if (name === "write" && fd === 1) {
      const sequence = /^ack (\d+)/.exec(strings[0]?.toString() ?? "")?.[1];
      if (sequence) yield { do: "ack", sequence: Number(sequence) };
    } else if (file !== undefined) {
      if (name === "fsync" || name === "fdatasync") yield file === "" ? { do: "sync-folder" } : { do: "sync", file };
      if (name === "ftruncate") yield { do: "truncate", file, size: Number(args.split(", ")[1]) };
      if (name === "pwrite64") {
        yield { do: "write", file, offset: Number(args.split(", ").at(-1)), bytes: strings[0] as Uint8Array };
      }
    }
  }
}

/** What became of writes that were not synced when the power went: none, some sectors, or all of them. */
export type Unsynced = "none" | "some" | "all";

const sectorBytes = 512;

/**
 * The files as they may lie on the disk after the power went behind operation `end`: what was synced is there, of the
 * rest what `unsynced` says. Names that came and went since the folder was synced likewise.
 */
export function diskAfter(
  operations: readonly FileOperation[],
  end: number,
  unsynced: Unsynced,
  random: () => number,
): { files: Map<string, Buffer>; acked: number[] } {
  const lastSync = new Map<string, number>();
  const acked: number[] = [];
  for (let i = 0; i < end; i += 1) {
    const operation = operations[i] as FileOperation;
    if (operation.do === "sync") lastSync.set(operation.file, i);
    if (operation.do === "sync-folder") lastSync.set("", i);
    if (operation.do === "ack") acked.push(operation.sequence);
  }
  const files = new Map<string, Buffer>();
  for (let i = 0; i < end; i += 1) {
    const operation = operations[i] as FileOperation;
    const isName = operation.do === "create" || operation.do === "unlink";
    const synced = "file" in operation && i < (lastSync.get(isName ? "" : operation.file) ?? -1);
    const kept = () => synced || unsynced === "all" || (unsynced === "some" && random() < 0.5);
    apply(files, operation, kept);
  }
  return { files, acked };
}

function apply(files: Map<string, Buffer>, operation: FileOperation, kept: () => boolean): void {
  switch (operation.do) {
    case "create":
      if (!files.has(operation.file) && kept()) files.set(operation.file, Buffer.alloc(0));
      break;
    case "unlink":
      if (kept()) files.delete(operation.file);
      break;
    case "truncate": {
      const before = files.get(operation.file);
      if (before && kept()) files.set(operation.file, resized(before, operation.size));
      break;
    }
    case "write":
      for (let at = 0; at < operation.bytes.length; at += sectorBytes) {
        if (kept()) put(files, operation.file, operation.offset + at, operation.bytes.subarray(at, at + sectorBytes));
      }
      break;
  }
}

function resized(bytes: Buffer, size: number): Buffer {
  return size <= bytes.length ? bytes.subarray(0, size) : Buffer.concat([bytes, Buffer.alloc(size - bytes.length)]);
}

function put(files: Map<string, Buffer>, file: string, offset: number, bytes: Uint8Array): void {
  const before = files.get(file);
  if (!before) return;
  const after = before.length >= offset + bytes.length ? before : resized(before, offset + bytes.length);
  after.set(bytes, offset);
  files.set(file, after);
}

/** Lays files into an empty folder. */
export function layOut(folder: string, files: ReadonlyMap<string, Buffer>): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
}
