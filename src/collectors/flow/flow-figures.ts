import type { OtherFrameReason } from "../../packet/index.ts";

/** Why a flow ended; the values of FlowEvent.end_reason, and metric labels. */
export const flowEndReasons = ["idle", "active", "fin", "rst", "eof", "shutdown", "evicted"] as const;

export type FlowEndReason = (typeof flowEndReasons)[number];

/**
 * Totals of a flow engine since it was made; plain numbers, so that they can be posted between threads. For packets and
 * bytes alike: seen = in flows (ended and active) + other + own.
 */
export interface FlowFigures {
  readonly frames: number;
  readonly bytes: number;
  /** Packets and frame bytes of flows that have ended. */
  readonly endedPackets: number;
  readonly endedBytes: number;
  /** Packets and frame bytes of flows that are still in the table. */
  readonly activePackets: number;
  readonly activeBytes: number;
  /** Frames that belong to no flow, by reason, and their bytes in all. */
  readonly otherFrames: Readonly<Record<OtherFrameReason, number>>;
  readonly otherBytes: number;
  /** The agent's own traffic, left out of the flows. */
  readonly ownPackets: number;
  readonly ownBytes: number;
  readonly flowsActive: number;
  readonly flowsCreated: number;
  readonly flowsEnded: Readonly<Record<FlowEndReason, number>>;
}
