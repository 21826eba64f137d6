/** Something that runs for a while. */
export interface Lifecycle {
  /** Returns once it is ready to work; throws an AmoskysError where it cannot. */
  start(): Promise<void>;
  /** Refuses new work, flushes, releases. Safe without start and twice. Gives up flushing after `deadlineMs`. */
  stop(deadlineMs: number): Promise<void>;
}
