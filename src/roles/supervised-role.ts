import { Backoff } from "../core/backoff.ts";
import { systemClock } from "../core/clock.ts";
import { isFinalStatus } from "../core/errors.ts";
import { RateWindow } from "../core/rate-window.ts";
import { type RoleStatus, readRoleStatus } from "./role-status.ts";
import { supervisorVariable } from "./run-role.ts";
import { selfCommand } from "./self-command.ts";

/** Exit statuses that the world outside mends: a log that is locked, or whose disk is full; a port that is taken. */
const patientStatuses = new Set([11, 13]);
const restartsMax = 10;
/** A role that has run for so long has recovered: its failures are forgotten. */
const steadyMs = 60_000;
/** Agents that look now and then have their events at once: a rate is over a minute. */
const rateMs = 60_000;
const stderrBytesKept = 8192;

export interface SupervisedRoleOptions {
  readonly role: string;
  /** Arguments behind the program's name, asked for at each start; `port` is the one it had before. */
  args(port: number | undefined): readonly string[];
  readonly dataDir: string;
  readonly healthHost: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Called whenever the role started or ended. */
  onChange(): void;
}

type Phase = "running" | "restarting" | "stopping" | "failed" | "stopped";

/** The last line that `main` printed as an error, and its hint. */
function lastWords(stderr: string): { message: string; hint: string | undefined } {
  const lines = stderr.trimEnd().split("\n");
  const message = lines.findLast((line) => line.startsWith("amoskys: "))?.slice("amoskys: ".length);
  const hint = lines.findLast((line) => line.startsWith("Try: "))?.slice("Try: ".length);
  return { message: message ?? lines.at(-1) ?? "", hint };
}

/** One role as a child process: started again when it dies, with backoff and a limit; not after a permanent error. */
export class SupervisedRole {
  readonly #options: SupervisedRoleOptions;
  readonly #backoff = new Backoff({ baseMs: 500, maxMs: 30_000 });
  #phase: Phase = "stopped";
  #child: Bun.Subprocess<"ignore", "ignore", "pipe"> | undefined;
  #ended: Promise<void> = Promise.resolve();
  #timer: Timer | undefined;
  #restarts = 0;
  #message = "";
  #hint: string | undefined;
  #status: RoleStatus | undefined;
  #port: number | undefined;
  #events = new RateWindow(rateMs);

  constructor(options: SupervisedRoleOptions) {
    this.#options = options;
  }

  get role(): string {
    return this.#options.role;
  }

  start(): void {
    if (this.#phase !== "failed" && this.#phase !== "stopped") return;
    this.#backoff.reset();
    this.#restarts = 0;
    this.#spawn();
  }

  #spawn(): void {
    const { environment } = this.#options;
    // a role must not be made to load code through the runtime's own variables
    const { BUN_OPTIONS: _options, BUN_BE_BUN: _runtime, ...inherited } = environment;
    const child = Bun.spawn(selfCommand(...this.#options.args(this.#port)), {
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
      env: { ...inherited, [supervisorVariable]: String(process.pid) },
    });
    const startedMs = systemClock.monotonicMs();
    this.#child = child;
    this.#events = new RateWindow(rateMs);
    this.#phase = "running";
    this.#status = undefined;
    this.#message = "";
    this.#hint = undefined;
    this.#ended = this.#follow(child, startedMs);
    this.#options.onChange();
  }

  async #follow(child: Bun.Subprocess<"ignore", "ignore", "pipe">, startedMs: number): Promise<void> {
    let stderr = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) {
      stderr = (stderr + decoder.decode(chunk, { stream: true })).slice(-stderrBytesKept);
    }
    const status = await child.exited;
    if (child !== this.#child) return;
    this.#child = undefined;
    if (this.#phase === "running") {
      const signal = child.signalCode === null ? undefined : String(child.signalCode);
      this.#afterExit(status, signal, stderr, startedMs);
    }
    this.#options.onChange();
  }

  #afterExit(status: number, signal: string | undefined, stderr: string, startedMs: number): void {
    const words = lastWords(stderr);
    const how = signal ? `killed by ${signal}` : `ended with status ${status}`;
    this.#message = words.message || how;
    this.#hint = words.hint;
    if (systemClock.monotonicMs() - startedMs > steadyMs) this.#backoff.reset();
    const isPermanent = isFinalStatus(status);
    if (isPermanent || (this.#backoff.failures >= restartsMax && !patientStatuses.has(status))) {
      this.#phase = "failed";
      if (!isPermanent) this.#message = `gave up after ${restartsMax} restarts: ${this.#message}`;
      this.#hint ??= `amoskys start ${this.role}`;
      return;
    }
    this.#phase = "restarting";
    this.#timer = setTimeout(() => {
      this.#restarts += 1;
      this.#spawn();
    }, this.#backoff.nextMs());
  }

  /** Ends the child: a signal to drain, and after `deadlineMs` the end without asking. */
  async stop(deadlineMs: number): Promise<void> {
    clearTimeout(this.#timer);
    this.#message = "";
    this.#hint = undefined;
    const child = this.#child;
    if (child) {
      this.#phase = "stopping";
      this.#message = "drains";
      this.#options.onChange();
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), deadlineMs);
      await this.#ended;
      clearTimeout(late);
    }
    this.#message = "";
    this.#phase = "stopped";
    this.#options.onChange();
  }

  /** Ends the child at once. */
  kill(): void {
    clearTimeout(this.#timer);
    this.#phase = "stopped";
    this.#child?.kill("SIGKILL");
  }

  /** Asks the child how it is doing. */
  async refresh(): Promise<void> {
    const { dataDir, role, healthHost } = this.#options;
    if (this.#phase !== "running") return;
    const status = await readRoleStatus(dataDir, role, healthHost);
    if (!status || status.pid !== this.#child?.pid) return;
    const nowMs = systemClock.monotonicMs();
    this.#port = status.port ?? this.#port;
    const { events_total: events } = status;
    if (events === undefined) {
      this.#status = status;
      return;
    }
    const { perMs, spanMs } = this.#events.rateTo(nowMs, events);
    this.#events.add(nowMs, events);
    this.#status = { ...status, events_per_second: spanMs === 0 ? undefined : perMs * 1000 };
  }

  status(): RoleStatus {
    const base = { role: this.role, restarts: this.#restarts, message: this.#message, hint: this.#hint };
    if (this.#phase !== "running") return { ...base, state: this.#phase, pid: this.#child?.pid };
    if (!this.#status) return { ...base, state: "starting", pid: this.#child?.pid, message: "starting" };
    return { ...this.#status, restarts: this.#restarts };
  }
}
