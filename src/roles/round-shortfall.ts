import type { Collector } from "../core/collector.ts";
import { AmoskysError } from "../core/errors.ts";

/** What a single round did not see, as the error that its command ends with (3); undefined where it saw all. */
export function roundShortfall(name: string, collector: Collector): AmoskysError | undefined {
  const { status, message } = collector.health();
  return status === "ok" ? undefined : new AmoskysError("partial", `The round of ${name} is not whole: ${message}`);
}
