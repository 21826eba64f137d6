/**
 * The proc collector: every process of /proc, round by round, as ProcessEvents of what was there, started, executed and
 * ended, with figures of the largest ones. May not know signing, logs or the network. Nothing here is durable.
 */
export { procCollector } from "./collector.ts";
export { type ProcConfig, procConfigSchema } from "./config.ts";
