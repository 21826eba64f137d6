import type { Observer } from "../../core/observer.ts";
import { otherFrameReasons } from "../../packet/index.ts";
import { type FlowFigures, flowEndReasons } from "./flow-figures.ts";

/** Counts what has come since the figures that were reported before. */
export function reportFigures(observer: Observer, figures: FlowFigures, before: FlowFigures | undefined): void {
  const count = (metric: string, now: number, then: number | undefined, reason?: string): void => {
    const by = now - (then ?? 0);
    if (by > 0) observer.count(metric, reason === undefined ? {} : { reason }, by);
  };
  count("amoskys_flow_frames_total", figures.frames, before?.frames);
  count("amoskys_flow_frame_bytes_total", figures.bytes, before?.bytes);
  count("amoskys_flow_own_packets_total", figures.ownPackets, before?.ownPackets);
  count("amoskys_flow_flows_created_total", figures.flowsCreated, before?.flowsCreated);
  for (const reason of flowEndReasons) {
    count("amoskys_flow_flows_ended_total", figures.flowsEnded[reason], before?.flowsEnded[reason], reason);
  }
  for (const reason of otherFrameReasons) {
    count("amoskys_flow_other_frames_total", figures.otherFrames[reason], before?.otherFrames[reason], reason);
  }
  observer.gauge("amoskys_flow_flows_active", figures.flowsActive);
}

/** The figures as a health page shows them. */
export function figuresByName(figures: FlowFigures): Readonly<Record<string, number>> {
  return {
    frames: figures.frames,
    bytes: figures.bytes,
    flow_packets: figures.endedPackets + figures.activePackets,
    other_frames: Object.values(figures.otherFrames).reduce((sum, frames) => sum + frames, 0),
    other_bytes: figures.otherBytes,
    own_packets: figures.ownPackets,
    own_bytes: figures.ownBytes,
    flows_active: figures.flowsActive,
    flows_created: figures.flowsCreated,
    flows_ended: Object.values(figures.flowsEnded).reduce((sum, flows) => sum + flows, 0),
    flows_evicted: figures.flowsEnded.evicted,
  };
}
