import type { Clock } from "../core/clock.ts";
import type { LogFields, LogLevel, Observer } from "../core/observer.ts";

const intervalMs = 10_000;
const linesPerInterval = 5;

/**
 * Logs what a peer can cause as often as it likes: at most five lines per topic and ten seconds, and with the first
 * line
 * after that how many were left out. Topics come from the code, so their number is fixed.
 */
export class LogRate {
  readonly #observer: Observer;
  readonly #clock: Clock;
  readonly #topics = new Map<string, { startMs: number; lines: number; omitted: number }>();

  constructor(observer: Observer, clock: Clock) {
    this.#observer = observer;
    this.#clock = clock;
  }

  /** Logs one line, or counts it as left out. The message is the topic. */
  log(level: LogLevel, message: string, fields: LogFields = {}): void {
    const nowMs = this.#clock.monotonicMs();
    let topic = this.#topics.get(message);
    let omitted = 0;
    if (!topic || nowMs - topic.startMs >= intervalMs) {
      omitted = topic?.omitted ?? 0;
      topic = { startMs: nowMs, lines: 0, omitted: 0 };
      this.#topics.set(message, topic);
    }
    topic.lines += 1;
    if (topic.lines > linesPerInterval) {
      topic.omitted += 1;
      return;
    }
    this.#observer.log(level, message, omitted > 0 ? { ...fields, omitted } : fields);
  }
}
