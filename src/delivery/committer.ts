import type { Clock } from "../core/clock.ts";
import { AmoskysError } from "../core/errors.ts";
import type { CollectedEvent } from "../core/event.ts";
import type { ParkedFacts, Signer } from "../envelope/index.ts";
import { type AppendResult, type Log, openLogReader, type SourceHead, type StoredGroup } from "../wal/index.ts";
import { type CommitPlan, type Notice, planCommit } from "./commit-plan.ts";
import { findControlGroups } from "./control-groups.ts";
import { type Damage, findDamage } from "./damage.ts";
import { openEpoch } from "./epoch.ts";
import { readLogBudget } from "./log-budget.ts";
import type { LossGroup } from "./loss-groups.ts";
import type { Loss } from "./loss-tally.ts";
import { eventOverheadBytes } from "./room-waiters.ts";
import { mergeLostRanges } from "./sequence-ranges.ts";
import { planShed, type Shed } from "./shed.ts";

/** More than what is needed is shed at once, so that it does not happen at every commit. */
const shedShare = 16;

/** What a transaction made durable. */
export interface Commit {
  readonly groupIds: readonly number[];
  /** Those of them that hold loss and parked records; they may overtake the others. */
  readonly controlGroupIds: readonly number[];
  /** Groups that left the log with it. */
  readonly droppedGroupIds: readonly number[];
  /** Events that left the log with it, declared lost. */
  readonly shedEvents: number;
}

/** A parked record to tell the bus of, in the epoch that it belongs to. */
export interface ParkedNotice {
  readonly epoch: string;
  readonly facts: ParkedFacts;
}

export interface CommitterOptions {
  readonly log: Log;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly budgetBytes: number;
}

/** What waits to be made durable. */
export interface CommitRequest {
  readonly losses: readonly Loss[];
  readonly parked: readonly ParkedNotice[];
  readonly events: readonly CollectedEvent[];
}

/** Seals and appends, a transaction at a time: events, what is lost, what is parked, what must go to make room. */
export class Committer {
  readonly epoch: string;
  /** Groups of loss and parked records that were in the log when it was opened. */
  readonly foundControlGroupIds: readonly number[];
  readonly #options: CommitterOptions;
  readonly #heads: Map<string, SourceHead>;
  readonly #lossGroups = new Map<number, LossGroup>();
  readonly #parkedGroups = new Set<number>();
  /** Said with the next commit. */
  #notices: Notice[] = [];

  /** Throws `identity_invalid` where the log holds what another agent has signed and not delivered. */
  constructor(options: CommitterOptions) {
    this.#options = options;
    const { log, signer } = options;
    const own = ownHeads(log, signer.agent);
    this.#heads = new Map(own.map((head) => [head.source.epoch, head]));
    const found = findControlGroups(log);
    for (const group of found.lossGroups) this.#lossGroups.set(group.groupId, group);
    for (const id of found.parkedGroupIds) this.#parkedGroups.add(id);
    this.foundControlGroupIds = [...this.#lossGroups.keys(), ...this.#parkedGroups];
    if (log.recovery?.lost) this.#declareDamage(findDamage(log, own, options.clock.wallNs()));
    this.epoch = openEpoch(log);
  }

  #declareDamage({ heads, notices }: Damage): void {
    for (const head of heads) this.#heads.set(head.source.epoch, head);
    this.#notices = [...notices];
  }

  /** Whether something has to be said although nothing was collected. */
  get hasNotices(): boolean {
    return this.#notices.length > 0;
  }

  /** The last sequence given in the current epoch. */
  get highest(): number {
    return this.#heads.get(this.epoch)?.highest ?? 0;
  }

  /**
   * One transaction. Answers `no_room` where events find none and nothing more can be shed; what is not an event always
   * goes. Throws `disk_full` (nothing was stored) or `log_io` as the log does.
   */
  commit(request: CommitRequest, keep: ReadonlySet<number>): Commit | "no_room" {
    const shed = request.events.length > 0 ? this.#makeRoom(request.events, keep) : undefined;
    if (shed === "no_room") return shed;
    const notices = [...this.#notices, ...(shed?.notices ?? []), ...parkedNotices(request.parked)];
    const plan = this.#append(request, notices, shed?.dropGroups ?? []);
    this.#notices = [];
    return { ...plan, shedEvents: shed?.events ?? 0 };
  }

  /** Drops a group that can no longer be sent as it was sealed, and declares what was pending of it lost. */
  dropDamaged(group: StoredGroup): Commit {
    const { epoch } = group.source;
    const pending = group.records.filter(({ state }) => state === "pending");
    const gone = pending.map(({ sequence }) => ({ first: sequence, last: sequence }));
    const lost = pending.map(({ sequence, tsNs }) => {
      return { first: sequence, last: sequence, reason: "damage", startNs: tsNs, endNs: tsNs };
    });
    const declared = this.#lossGroups.get(group.id)?.lost ?? [];
    const notice = { epoch, lost: mergeLostRanges([...lost, ...declared]), parked: [], gone };
    const commit = this.#append({ losses: [], parked: [], events: [] }, [notice], [group.id]);
    return { ...commit, shedEvents: gone.length };
  }

  /** The bus has all of these groups. */
  delivered(groupIds: Iterable<number>): void {
    for (const id of groupIds) {
      this.#lossGroups.delete(id);
      this.#parkedGroups.delete(id);
    }
  }

  #append(
    request: CommitRequest,
    notices: readonly Notice[],
    dropGroups: readonly number[],
  ): Omit<Commit, "shedEvents"> {
    const { log, signer, clock } = this.#options;
    const { losses, events } = request;
    const heads = this.#heads;
    const input = { epoch: this.epoch, heads, losses, notices, events, dropGroups, nowNs: clock.wallNs() };
    const plan = planCommit(input, signer);
    const result = log.append(plan.batch);
    for (const head of plan.heads) heads.set(head.source.epoch, head);
    this.delivered(dropGroups);
    return { ...this.#remember(plan, result), droppedGroupIds: dropGroups };
  }

  #remember(plan: CommitPlan, { groupIds }: AppendResult): Pick<Commit, "groupIds" | "controlGroupIds"> {
    const controlGroupIds: number[] = [];
    plan.groups.forEach((planned, i) => {
      if (planned.holds === "events") return;
      const groupId = groupIds[i] as number;
      controlGroupIds.push(groupId);
      if (planned.holds === "parked") {
        this.#parkedGroups.add(groupId);
        return;
      }
      const { source, firstSequence, size } = plan.batch.groups[i] as CommitPlan["batch"]["groups"][number];
      const own = { first: firstSequence, last: firstSequence + size - 1 };
      this.#lossGroups.set(groupId, { groupId, epoch: source.epoch, own, lost: planned.lost });
    });
    return { groupIds, controlGroupIds };
  }

  #makeRoom(events: readonly CollectedEvent[], keep: ReadonlySet<number>): Shed | undefined | "no_room" {
    const { log, budgetBytes } = this.#options;
    const incoming = events.reduce((sum, { payload }) => sum + payload.length + eventOverheadBytes, 0);
    let { liveBytes, settled, limitBytes } = readLogBudget(log, budgetBytes);
    if (liveBytes + incoming <= limitBytes) return undefined;
    if (settled > 0) {
      log.prune();
      ({ liveBytes, limitBytes } = readLogBudget(log, budgetBytes));
    }
    const excess = liveBytes + incoming - limitBytes;
    // where others have filled the disk, giving up all of the log would make no room: it refuses the append then
    if (excess <= 0 || (limitBytes < budgetBytes && incoming > limitBytes)) return undefined;
    return (
      planShed({
        log,
        bytes: excess + Math.floor(limitBytes / shedShare),
        keep: new Set([...keep, ...this.#parkedGroups]),
        lossGroups: this.#lossGroups.values(),
      }) ?? "no_room"
    );
  }
}

/** The heads of this agent's epochs; what another agent delivered whole may lie beside them. */
function ownHeads(log: Log, agent: string): SourceHead[] {
  const others = log.sources().flatMap(({ source }) => (source.agent === agent ? [] : [source.agent]));
  if (others.length > 0) assertNothingPending(log.path, others);
  return log.sources().filter(({ source }) => source.agent === agent);
}

function assertNothingPending(path: string, agents: readonly string[]): void {
  const reader = openLogReader(path);
  try {
    const [record] = reader.records({ agents, states: ["pending"], limit: 1 });
    if (record === undefined) return;
    const { agent } = record.source;
    throw new AmoskysError(
      "identity_invalid",
      `The log ${path} holds undelivered events of another agent, "${agent}"`,
      {
        hint: `go on as "${agent}" until they are delivered, or set another wal_path`,
      },
    );
  } finally {
    reader.close();
  }
}

function parkedNotices(parked: readonly ParkedNotice[]): Notice[] {
  const byEpoch = Map.groupBy(parked, ({ epoch }) => epoch);
  return [...byEpoch].map(([epoch, notices]) => {
    return { epoch, lost: [], gone: [], parked: notices.map(({ facts }) => facts) };
  });
}
