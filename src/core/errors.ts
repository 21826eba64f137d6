/** What a code means to the one who retries, to the metrics, and to the shell that started us. */
interface ErrorClass {
  /** The same call may succeed later without anybody mending anything. */
  readonly retryable: boolean;
  /** Only a person mends it: neither another try nor another start does. */
  readonly final?: true;
  /** Exit status of the process that ends with it; the command line's contract. */
  readonly exitStatus: number;
}

/** Every way in which something fails. The code itself is the metric label. */
export const errorClasses = {
  internal: { retryable: false, exitStatus: 1 },
  usage: { retryable: false, final: true, exitStatus: 2 },
  unknown_interface: { retryable: false, final: true, exitStatus: 2 },
  file_missing: { retryable: false, final: true, exitStatus: 2 },
  output_failed: { retryable: false, exitStatus: 1 },
  partial: { retryable: false, exitStatus: 3 },
  capture_unreadable: { retryable: false, final: true, exitStatus: 2 },
  capture_truncated: { retryable: false, exitStatus: 3 },
  capture_damaged: { retryable: false, exitStatus: 3 },
  config_invalid: { retryable: false, final: true, exitStatus: 10 },
  log_corrupt: { retryable: false, exitStatus: 11 },
  log_locked: { retryable: false, exitStatus: 11 },
  log_foreign: { retryable: false, exitStatus: 11 },
  log_io: { retryable: false, exitStatus: 11 },
  disk_full: { retryable: true, exitStatus: 11 },
  identity_invalid: { retryable: false, final: true, exitStatus: 12 },
  identity_refused: { retryable: false, final: true, exitStatus: 12 },
  unreachable: { retryable: true, exitStatus: 13 },
  port_in_use: { retryable: true, exitStatus: 13 },
  timeout: { retryable: true, exitStatus: 13 },
  answer_invalid: { retryable: true, exitStatus: 13 },
  message_too_large: { retryable: false, exitStatus: 13 },
  unimplemented: { retryable: false, exitStatus: 13 },
  privilege_missing: { retryable: false, final: true, exitStatus: 14 },
  facility_missing: { retryable: false, final: true, exitStatus: 14 },
  interrupted: { retryable: false, exitStatus: 130 },
  output_closed: { retryable: false, exitStatus: 141 },
} as const satisfies Record<string, ErrorClass>;

export type ErrorCode = keyof typeof errorClasses;

export interface AmoskysErrorOptions {
  /** What to do next, often the command to run; shown behind `Try:`. */
  readonly hint?: string;
  readonly cause?: unknown;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The one error class. The message is one line for a person: what, where and why, without a full stop. */
export class AmoskysError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: AmoskysErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AmoskysError";
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }

  /** Whether the same call may succeed later by itself. */
  get retryable(): boolean {
    return errorClasses[this.code].retryable;
  }

  /** Whether only a person can mend it. */
  get final(): boolean {
    return "final" in errorClasses[this.code];
  }

  /** The exit status of a process that ends with this error. */
  get exitStatus(): number {
    return errorClasses[this.code].exitStatus;
  }

  /** Turns anything caught into an AmoskysError; what is not one already becomes `internal` with its cause kept. */
  static from(caught: unknown): AmoskysError {
    if (caught instanceof AmoskysError) return caught;
    const message = caught instanceof Error ? caught.message : String(caught);
    return new AmoskysError("internal", message, { cause: caught });
  }
}

const finalStatuses = new Set<number>(
  Object.values(errorClasses).flatMap((each) => ("final" in each ? [each.exitStatus] : [])),
);

/** Whether a process that ended with this status has met what only a person can mend. */
export function isFinalStatus(status: number): boolean {
  return finalStatuses.has(status);
}

/** The errno name (`ENOENT`) of a caught system error, if it has one. */
export function errnoOf(caught: unknown): string | undefined {
  const code = (caught as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}
