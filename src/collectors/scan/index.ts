/**
 * The scan collector: hosts, open TCP ports and what they say, in private networks and at addresses that were named,
 * and what changed since the last scan; hosts that have gone are known again for 30 days. May not know signing, logs or
 * the bus. Durable are the last scan and what had gone, in a file of the state folder that is replaced whole.
 */
export { scanCollector } from "./collector.ts";
export { scanConfigSchema } from "./config.ts";
export { parseTarget } from "./parse-target.ts";
export { parsePorts } from "./port-list.ts";
