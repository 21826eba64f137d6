import { z } from "zod";

/** The section `bus` of the configuration. */
export const busConfigSchema = z.strictObject({
  /** Seconds between two looks. */
  interval_s: z.number().min(1).max(86_400).default(10),
  /** A bus with calls in flight whose last commit is older than this answers but does not commit. */
  commit_age_max_s: z.number().positive().max(3600).default(15),
});

export type BusConfig = z.infer<typeof busConfigSchema>;
