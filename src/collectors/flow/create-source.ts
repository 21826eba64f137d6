import type { CollectorContext } from "../../core/collector.ts";
import { createCaptureSource } from "./capture-source.ts";
import type { FlowConfig } from "./config.ts";
import { createFileSource } from "./file-source.ts";
import type { FlowEngineOptions } from "./flow-engine.ts";
import type { CaptureSourceContext, FlowSource, TakeFlows } from "./flow-source.ts";

/** The flow section of the configuration, joined with flags. */
export interface FlowCollectorOptions {
  readonly config: FlowConfig;
  /** A capture file to read in place of interfaces; `-` is standard input. */
  readonly read?: string;
}

/** The source that the options ask for: the file, or the interfaces. */
export function createFlowSource(
  options: FlowCollectorOptions,
  context: CaptureSourceContext & Pick<CollectorContext, "bus" | "lose">,
  take: TakeFlows,
): FlowSource {
  const { config, read } = options;
  const engine: FlowEngineOptions = {
    idleTimeoutS: config.idle_timeout_s,
    activeTimeoutS: config.active_timeout_s,
    flowsMax: config.max_flows,
  };
  if (read !== undefined) return createFileSource({ path: read, engine }, take);
  // a file's packets are not this agent's doing, so only a live source leaves its own out
  const own = config.exclude_own ? context.bus : undefined;
  const { interfaces, promiscuous, ring_bytes: ringBytes } = config;
  return createCaptureSource(
    { interfaces, ringBytes, promiscuous, engine: own === undefined ? engine : { ...engine, own } },
    context,
    take,
  );
}
