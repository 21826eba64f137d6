import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import pino, { type DestinationStream } from "pino";
import { systemClock } from "../core/clock.ts";
import { printable } from "../core/escape.ts";
import type { LogFields, LogLevel } from "../core/observer.ts";

export interface LoggerOptions {
  readonly role: string;
  readonly level: LogLevel;
  readonly format: "pretty" | "json";
  /** Where lines go; without it to stderr. Rotates at `fileBytesMax`, keeping `filesKept` older files. */
  readonly file?: string | undefined;
  readonly fileBytesMax?: number;
  readonly filesKept?: number;
}

export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void;
  close(): void;
}

const stderr = 2;

interface LogFile extends DestinationStream {
  close(): void;
}

/** An append-only file that moves itself aside when it is full: FILE.1 is the youngest of the older ones. */
function openLogFile(path: string, bytesMax: number, filesKept: number): LogFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  let fd = openSync(path, "a", 0o600);
  let bytes = fstatSync(fd).size;
  const rotate = () => {
    for (let n = filesKept; n >= 1; n -= 1) {
      try {
        renameSync(n === 1 ? path : `${path}.${n - 1}`, `${path}.${n}`);
      } catch {
        // an older file that is not there yet has nothing to move
      }
    }
    bytes = 0;
    // where no file can be opened now, lines go on into the one that was moved aside
    const next = openSync(path, "a", 0o600);
    closeSync(fd);
    fd = next;
  };
  return {
    write(line) {
      if (bytes > 0 && bytes + line.length > bytesMax) rotate();
      bytes += writeSync(fd, line);
    },
    close: () => closeSync(fd),
  };
}

/** A line for a terminal: time, level, role, message, fields; nothing from the outside reaches it unescaped. */
function prettyLine(json: string): string {
  const { level, time, role, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const rest = Object.entries(fields).map(([key, value]) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return `${key}=${/[\s"]/.test(text) ? JSON.stringify(text) : text}`;
  });
  return printable([time, String(level).toUpperCase().padEnd(5), `[${role}]`, msg, ...rest].join(" "));
}

/** A logger of one role: one line an entry, JSON or for people, written before `log` returns. */
export function createLogger(options: LoggerOptions): Logger {
  const file = options.file
    ? openLogFile(options.file, options.fileBytesMax ?? 10_000_000, options.filesKept ?? 3)
    : undefined;
  const out: DestinationStream = file ?? { write: (line) => void writeSync(stderr, line) };
  const destination: DestinationStream =
    options.format === "json" ? out : { write: (line) => out.write(`${prettyLine(line)}\n`) };
  const logger = pino(
    {
      level: options.level,
      base: { role: options.role },
      timestamp: () => `,"time":"${new Date(systemClock.wallMs()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write(line: string) {
        try {
          destination.write(line);
        } catch {
          // a log that cannot be written (a full disk, a terminal that went away) must not stop the work
        }
      },
    },
  );
  return {
    log: (level, message, fields) => logger[level](fields ?? {}, message),
    close: () => file?.close(),
  };
}
