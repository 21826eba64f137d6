/**
 * The scan collector: hosts, open TCP ports and what they say, in private networks and at addresses that were named,
 * and what changed since the last scan. May not know signing, logs or the bus. Durable is the last scan, in a file of
 * the state folder that is replaced whole.
 */
export { parseTarget } from "./address-range.ts";
export { scanCollector } from "./collector.ts";
export { scanConfigSchema } from "./config.ts";
export { parsePorts } from "./port-list.ts";
