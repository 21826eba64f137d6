/**
 * What is asked answers, or undefined where it has not by the deadline or when the signal aborts. Rejects as it does.
 * Nothing stays on the signal.
 */
export async function orGiveUp<T>(asked: Promise<T>, timeoutMs: number, signal: AbortSignal): Promise<T | undefined> {
  const end = Promise.withResolvers<undefined>();
  const giveUp = () => end.resolve(undefined);
  const timer = setTimeout(giveUp, timeoutMs);
  signal.addEventListener("abort", giveUp);
  if (signal.aborted) giveUp();
  try {
    return await Promise.race([end.promise, asked]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
  }
}
