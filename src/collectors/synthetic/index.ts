/**
 * The synthetic collector: normal days, bursts and attacks of a network that does not exist, as events marked as made
 * up, and beside them a file that says what is true of them. May not know signing, logs or the network, and sends no
 * packet. Durable is the truth file alone, a line for each scenario instance when it is over.
 */
export { syntheticCollector } from "./collector.ts";
export { type SyntheticConfig, syntheticConfigSchema } from "./config.ts";
