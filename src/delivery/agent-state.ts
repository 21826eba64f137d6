/** What an agent says of itself, in the words that existing dashboards know. */
export const agentStates = [
  "initializing",
  "connecting",
  "active",
  "backpressure",
  "retrying",
  "shutdown",
  "error",
] as const;

export type AgentState = (typeof agentStates)[number];

/** What a state is read from. */
export interface AgentConditions {
  readonly started: boolean;
  readonly stopping: boolean;
  /** The log failed, or the bus refuses this identity. */
  readonly held: boolean;
  /** Tries in a row that brought no acknowledgement. */
  readonly failures: number;
  /** Tries after which `retrying` is reported; it never gives up. */
  readonly retryMax: number;
  /** The bus answered the last try, and asked to wait or to go slower. */
  readonly askedToWait: boolean;
  /** The queue or the log is nearly full. */
  readonly pressed: boolean;
  /** The bus took this identity since the start: it acknowledged something, or answered when it was asked. */
  readonly met: boolean;
}

/** The state that these conditions amount to; the gravest wins. */
export function agentState(conditions: AgentConditions): AgentState {
  const { failures, retryMax } = conditions;
  if (conditions.stopping) return "shutdown";
  if (conditions.held) return "error";
  if (!conditions.started) return "initializing";
  if (failures > 0 && failures >= retryMax) return "retrying";
  if (conditions.askedToWait || conditions.pressed) return "backpressure";
  if (failures > 0) return "connecting";
  return conditions.met ? "active" : "connecting";
}
