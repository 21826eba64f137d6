/** Label values come from closed sets; agent names only from the trust map. */
export type Labels = Readonly<Record<string, string>>;

export type LogLevel = "debug" | "info" | "warn" | "error";

export type LogFields = Readonly<Record<string, unknown>>;

/** How a room reports. Rooms never print and never count by themselves; only roles inject what listens here. */
export interface Observer {
  /** Adds to a counter of data/metrics.ts. */
  count(metric: string, labels?: Labels, by?: number): void;
  /** Sets a gauge of data/metrics.ts. */
  gauge(metric: string, value: number, labels?: Labels): void;
  /** Puts a value into a histogram of data/metrics.ts, in the unit of its name. */
  observe(metric: string, value: number, labels?: Labels): void;
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

/** Hears nothing; for tools and tests that do not look. */
export const silentObserver: Observer = {
  count() {},
  gauge() {},
  observe() {},
  log() {},
};
