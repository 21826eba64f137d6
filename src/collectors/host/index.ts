/**
 * The host collector: processors, load, pressure, memory, disks, file systems and interfaces of this host, as metrics.
 * May not know signing, logs or the network. Nothing here is durable.
 */
export { hostCollector } from "./collector.ts";
export { type HostConfig, hostConfigSchema } from "./config.ts";
