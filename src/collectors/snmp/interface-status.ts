import type { InterfaceFacts } from "./interfaces.ts";

/** States of the wire (StatusData) in which an interface can be. */
export type InterfaceStatus = "ONLINE" | "OFFLINE" | "DEGRADED" | "MAINTENANCE";

/** An interface that was seen for the first time, or whose state is another one than in the round before. */
export interface InterfaceChange {
  /** ifName, ifDescr or ifIndex. */
  readonly name: string;
  readonly status: InterfaceStatus;
  /** Undefined for the first time. */
  readonly previous: InterfaceStatus | undefined;
}

/** ifOperStatus (RFC 2863): up, down, testing, unknown, dormant, notPresent, lowerLayerDown. */
const states: Readonly<Record<number, InterfaceStatus>> = {
  1: "ONLINE",
  2: "OFFLINE",
  3: "MAINTENANCE",
  4: "DEGRADED",
  5: "DEGRADED",
  6: "OFFLINE",
  7: "OFFLINE",
};
const adminUp = 1;
/** Beyond so many, states of interfaces that were not read are forgotten: no agent can fill memory with new ones. */
const statesMax = 100_000;

/** What is down because somebody switched it off is no failure. */
function statusOf({ adminStatus = adminUp, operStatus = 0 }: InterfaceFacts): InterfaceStatus | undefined {
  const status = states[operStatus];
  return status !== "ONLINE" && status !== undefined && adminStatus !== adminUp ? "MAINTENANCE" : status;
}

/** The states of one device's interfaces over the rounds. */
export class InterfaceWatch {
  #statuses = new Map<string, InterfaceStatus>();

  /** Notes a round; answers what is new. What a round could not read keeps its state: only a whole one forgets. */
  update(interfaces: readonly InterfaceFacts[], isWhole: boolean): InterfaceChange[] {
    const changes: InterfaceChange[] = [];
    const statuses = new Map(isWhole || this.#statuses.size > statesMax ? [] : this.#statuses);
    for (const facts of interfaces) {
      const previous = this.#statuses.get(facts.index);
      const status = statusOf(facts) ?? previous;
      if (status === undefined) continue;
      statuses.set(facts.index, status);
      if (status !== previous) changes.push({ name: facts.name ?? facts.index, status, previous });
    }
    // an agent that just began to run may have no table yet
    if (interfaces.length > 0) this.#statuses = statuses;
    return changes;
  }
}
