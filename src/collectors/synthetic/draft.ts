/** What one side of a connection sent. */
export interface Side {
  readonly packets: number;
  /** Sum of IP total lengths. */
  readonly ipBytes: number;
  /** Union of TCP flags; 0 for UDP. */
  readonly flags: number;
}

/** Times are microseconds since the Unix epoch, which doubles hold exactly until the year 2255. */
interface Timed {
  readonly startUs: number;
  /** When the event is made: of a flow, its last packet. */
  readonly endUs: number;
}

/** A flow that is to become an event. */
export interface FlowDraft extends Timed {
  readonly kind: "flow";
  readonly source: string;
  readonly target: string;
  readonly sourcePort: number;
  readonly targetPort: number;
  readonly protocol: "TCP" | "UDP";
  readonly tx: Side;
  readonly rx: Side;
  readonly endReason: "fin" | "rst" | "idle" | "active";
}

/** A program's start that is to become an event. */
export interface ProcessDraft extends Timed {
  readonly kind: "process";
  /** The host it runs on; the event itself does not say. */
  readonly host: string;
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
  readonly args: readonly [string, ...string[]];
}

export type Draft = FlowDraft | ProcessDraft;

/** Drafts that come about together, at least one. Neither they nor those of later steps end before `atUs`. */
export interface Step {
  readonly atUs: number;
  readonly drafts: readonly Draft[];
}
