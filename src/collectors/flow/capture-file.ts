import { close, constants, fstat, open, read, type Stats } from "node:fs";
import { promisify } from "node:util";
import { AmoskysError, type ErrorCode, errnoOf } from "../../core/errors.ts";
import { printable } from "../../core/escape.ts";

const openFile = promisify(open);
const closeFile = promisify(close);
const statFile: (fd: number) => Promise<Stats> = promisify(fstat);

const stdin = 0;

/** A capture file, or standard input, read from front to end without blocking the process. */
export interface CaptureFile {
  /** For messages; safe to print. */
  readonly name: string;
  /** Its length where it is a regular file. */
  readonly size: number | undefined;
  /** Reads into the room; answers how many bytes, 0 at the end. */
  read(room: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

const directoryHint = "name a pcap or pcapng file in it";

const openFailures: Readonly<Record<string, { code: ErrorCode; why: string; hint: string }>> = {
  ENOENT: { code: "file_missing", why: "there is no such file", hint: "ls -l, for how it is written" },
  ENOTDIR: { code: "file_missing", why: "there is no such file", hint: "ls -l, for how it is written" },
  EISDIR: { code: "usage", why: "it is a directory", hint: directoryHint },
  EACCES: { code: "privilege_missing", why: "this user may not read it", hint: "run it as the owner of the file" },
};

/** Opens a capture file; `-` is standard input. Throws `file_missing`, `usage`, `privilege_missing`. */
export async function openCaptureFile(path: string): Promise<CaptureFile> {
  if (path === "-") return new OpenedFile(stdin, "standard input", undefined);
  const name = printable(path);
  try {
    const fd = await openFile(path, constants.O_RDONLY);
    const stats = await statFile(fd);
    const file = new OpenedFile(fd, name, stats.isFile() ? stats.size : undefined);
    if (!stats.isDirectory()) return file;
    await file.close();
    throw new AmoskysError("usage", `cannot read "${name}": it is a directory`, { hint: directoryHint });
  } catch (caught) {
    const failure = openFailures[errnoOf(caught) ?? ""];
    if (failure === undefined) throw AmoskysError.from(caught);
    throw new AmoskysError(failure.code, `cannot read "${name}": ${failure.why}`, {
      hint: failure.hint,
      cause: caught,
    });
  }
}

class OpenedFile implements CaptureFile {
  readonly #fd: number;

  constructor(
    fd: number,
    readonly name: string,
    readonly size: number | undefined,
  ) {
    this.#fd = fd;
  }

  read(room: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#fd, room, 0, room.length, null, (error, bytes) => (error ? reject(error) : resolve(bytes)));
    });
  }

  async close(): Promise<void> {
    if (this.#fd !== stdin) await closeFile(this.#fd);
  }
}
