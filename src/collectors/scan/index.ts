/**
 * The scan collector: hosts, open TCP ports and what they say, in private networks and at addresses that were named,
 * and what changed since the last scan. May not know signing, logs or the bus. Nothing here is durable: the last scan
 * is kept in memory.
 */
export { parseTarget } from "./address-range.ts";
export { scanCollector } from "./collector.ts";
export { scanConfigSchema } from "./config.ts";
export { parsePorts } from "./port-list.ts";
