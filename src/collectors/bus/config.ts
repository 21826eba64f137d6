import { z } from "zod";

/** The section `bus` of the configuration. */
export const busConfigSchema = z.strictObject({
  /** Seconds between two looks. */
  interval_s: z.number().min(1).max(86_400).default(10),
  /** Seconds until a look counts as not answered: a bus that is frozen holds its connections open. */
  timeout_s: z.number().min(0.1).max(60).default(5),
  /** Seconds that calls may wait without a commit in between; then the bus answers but does not commit. */
  commit_age_max_s: z.number().positive().max(3600).default(15),
});

export type BusConfig = z.infer<typeof busConfigSchema>;
