import type { RangeReason } from "../wal/index.ts";

/**
 * Why sequences have no record here, in the words of every view: "missing" is what nobody explains, "lost" is what the
 * agent has declared lost, with the reason.
 */
export const rangeTexts: Readonly<Record<RangeReason, string>> = {
  missing: "missing",
  settled: "delivered and removed",
  shed: "lost (no room)",
  burnt: "lost (never sealed)",
  declared: "lost (declared)",
  forked: "came in two versions",
};
