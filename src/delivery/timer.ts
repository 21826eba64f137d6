/** Waiting, injected beside the clock so that tests own both. */
export interface Timer {
  /** Runs `task` once after `ms` milliseconds, 24 days at most; the answer cancels it. */
  after(ms: number, task: () => void): () => void;
}

/** A longer wait overflows setTimeout, which then does not wait at all. */
const timerMsMax = 2 ** 31 - 1;

/** The timers of this process. */
export const systemTimer: Timer = {
  after(ms, task) {
    const handle = setTimeout(task, Math.min(ms, timerMsMax));
    return () => clearTimeout(handle);
  },
};
