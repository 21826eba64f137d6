/** Waiting, injected beside the clock so that tests own both. */
export interface Timer {
  /** Runs `task` once after `ms` milliseconds; the answer cancels it. */
  after(ms: number, task: () => void): () => void;
}

/** The timers of this process. */
export const systemTimer: Timer = {
  after(ms, task) {
    const handle = setTimeout(task, ms);
    return () => clearTimeout(handle);
  },
};
