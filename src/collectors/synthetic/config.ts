import { z } from "zod";
import { scenarioNames } from "./scenario.ts";

/** The section `synthetic` of the configuration. */
export const syntheticConfigSchema = z.strictObject({
  /** What chance follows from: the same seed and start make the same events, byte for byte. */
  seed: z.int().min(0).default(1),
  /** Time of the first event, RFC 3339 with a zone; without it now. */
  start: z.iso.datetime({ offset: true }).optional(),
  /** Seconds of the events' own time, then the end; 0 is without end. */
  duration_s: z.number().min(0).max(3_155_760_000).default(0),
  /** Events a second of real time; 0 is as many as find room. */
  rate: z.number().min(0).max(1e6).default(10),
  scenarios: z
    .array(z.enum(scenarioNames))
    .min(1)
    .default([...scenarioNames]),
  /** A file to which what is true of the events is appended, as JSON lines; without it one in the data folder. */
  truth: z.string().min(1).optional(),
});

export type SyntheticConfig = z.infer<typeof syntheticConfigSchema>;
