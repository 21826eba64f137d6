/** Something that runs for a while. */
export interface Lifecycle {
  /** Returns once it is ready to work; throws an AmoskysError where it cannot. */
  start(): Promise<void>;
  /** Refuses new work, flushes, releases. Safe without start and twice. Gives up flushing after `deadlineMs`. */
  stop(deadlineMs: number): Promise<void>;
}

/** Takes every step in turn, whatever became of the one before; throws the first error at the end. */
export async function inTurn(...steps: readonly (() => unknown)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (caught) {
      errors.push(caught);
    }
  }
  if (errors.length > 0) throw errors[0];
}
