import { z } from "zod";
import { parseBytes } from "../../core/quantities.ts";

/** Bytes as a number or as a text such as `64MiB`. */
const byteSize = z.preprocess(
  (value, context) => {
    if (typeof value !== "string") return value;
    try {
      return parseBytes(value);
    } catch (caught) {
      context.addIssue({ code: "custom", message: (caught as Error).message });
      return z.NEVER;
    }
  },
  z
    .int()
    .min(1 << 20)
    .max(1 << 30),
);

/** The section `flow` of the configuration. */
export const flowConfigSchema = z.strictObject({
  /** Interfaces to capture from; empty means all that are up, but the loopback. */
  interfaces: z.array(z.string().min(1).max(15)).default([]),
  idle_timeout_s: z.int().min(1).max(86_400).default(30),
  active_timeout_s: z.int().min(1).max(86_400).default(300),
  /** Flows held at once; about 160 bytes of memory each, taken as they are needed. */
  max_flows: z.int().min(16).max(8_388_608).default(262_144),
  /** Packet ring of each interface, shared with the kernel. */
  ring_bytes: byteSize.default(64 << 20),
  promiscuous: z.boolean().default(true),
  /** Leaves the agent's own connection to the bus out of the flows; it is counted. */
  exclude_own: z.boolean().default(true),
});

export type FlowConfig = z.infer<typeof flowConfigSchema>;
