/**
 * The flow collector: packets of interfaces or of a capture file become bidirectional flows. May not know signing, logs
 * or the network beyond packets. Nothing here is durable: an event is safe once the context's outbox has it.
 */
export { runCaptureWorker } from "./capture-worker.ts";
export { flowCollector } from "./collector.ts";
export type { FlowConfig } from "./config.ts";
export { flowConfigSchema } from "./config.ts";
export type { FlowCollectorOptions } from "./create-source.ts";
export type { FlowEndReason, FlowFigures } from "./flow-figures.ts";
export type { PrintFlowsOptions } from "./print.ts";
export { printFlows } from "./print.ts";
