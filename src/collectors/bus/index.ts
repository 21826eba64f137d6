/**
 * The bus collector: how the bus of this agent is, as events; it notices one that answers but does not commit. May not
 * know the network: its probe is injected. Nothing here is durable.
 */
export type { BusAnswer, BusProbe } from "./bus-probe.ts";
export { type BusCollectorOptions, busCollector } from "./collector.ts";
export { busConfigSchema } from "./config.ts";
