import { ipProtocols, tcpFlags } from "../../packet/index.ts";
import { FlowEventWriter } from "./flow-event-writer.ts";
import { type FlowEndReason, flowEndReasons } from "./flow-figures.ts";
import { FlowIndex } from "./flow-index.ts";
import { metaOf } from "./flow-meta.ts";
import type { FlowPacket } from "./flow-packet.ts";
import {
  addToTotal,
  clearTotals,
  FlowRecords,
  recordWords,
  totalAt,
  wordAddresses,
  wordBytes,
  wordHash,
  wordInterface,
  wordIpBytes,
  wordIsn,
  wordLastNsec,
  wordLastSec,
  wordMeta,
  wordPackets,
  wordPorts,
  wordPrefixA,
  wordPrefixB,
  wordStartNsec,
  wordStartSec,
  wordState,
} from "./flow-records.ts";
import type { FlowBatch } from "./flow-source.ts";
import { beginsAnew, closingReason, firstState, isClosed, isUneventful, nextState } from "./tcp-state.ts";
import { TimingWheel } from "./timing-wheel.ts";

/** How long a closed TCP flow waits for stragglers: the first retransmission of a last segment (RFC 6298, 2.1). */
const lingerS = 1;
/** Packets may be this much older than the newest one; beyond it the clock was set back, or another capture begins. */
const disorderS = 60;
/** Flows looked at for their deadline with each packet: enough to keep up, few enough never to stall. */
const dueFlowsPerPacket = 16;

export interface FlowTableOptions {
  readonly idleTimeoutS: number;
  readonly activeTimeoutS: number;
  readonly flowsMax: number;
}

/** The flows that live now, by packet time. A flow that ends is written out and its slot is free again. */
export class FlowTable {
  created = 0;
  endedPackets = 0;
  endedBytes = 0;
  readonly #idleS: number;
  readonly #activeS: number;
  readonly #records: FlowRecords;
  readonly #index: FlowIndex;
  readonly #wheel: TimingWheel;
  readonly #writer = new FlowEventWriter();
  readonly #interfaces = new Map<number, Uint8Array>();
  readonly #ended = new Map<FlowEndReason, number>(flowEndReasons.map((reason) => [reason, 0]));
  /** The newest time seen, and the second up to which flows that are due have been ended. */
  #now = 0;
  #second = 0;

  constructor(options: FlowTableOptions) {
    this.#idleS = options.idleTimeoutS;
    this.#activeS = options.activeTimeoutS;
    this.#records = new FlowRecords(options.flowsMax);
    this.#index = new FlowIndex(this.#records);
    this.#wheel = new TimingWheel(this.#records.slots);
  }

  get active(): number {
    return this.#records.used;
  }

  get pending(): number {
    return this.#writer.count;
  }

  ended(reason: FlowEndReason): number {
    return this.#ended.get(reason) as number;
  }

  setInterface(interfaceIndex: number, name: Uint8Array): void {
    this.#interfaces.set(interfaceIndex, name);
  }

  takeEvents(): FlowBatch {
    return this.#writer.take();
  }

  /** Counts packets to their flows, in order: the first `count` of a list. */
  countAll(packets: readonly FlowPacket[], count: number): void {
    this.#index.warm(packets, count);
    for (let i = 0; i < count; i += 1) this.#count(packets[i] as FlowPacket);
  }

  #count(packet: FlowPacket): void {
    const { sec, nsec, direction, tcpFlags: flags } = packet;
    if (sec !== this.#second) this.passTime(sec);
    let slot = this.#index.find(packet);
    if (slot === -1) slot = this.#create(packet);
    const words = this.#records.words;
    const record = slot * recordWords;
    const state = words[record + wordState] as number;
    const gap = sec - ((words[record + wordLastSec] as number) >>> 0);
    const age = sec - ((words[record + wordStartSec] as number) >>> 0);
    // what is rare goes another way: a timeout is near, time went back, or TCP's state may change
    if (gap < this.#idleS && age < this.#activeS && gap >= 0 && isUneventful(state, flags)) {
      words[record + wordState] = state | (flags << (direction * 8));
      if (gap > 0 || nsec >= (words[record + wordLastNsec] as number)) {
        words[record + wordLastSec] = sec;
        words[record + wordLastNsec] = nsec;
      }
    } else {
      slot = this.#countEvent(slot, packet);
    }
    const totals = this.#records.words;
    const side = slot * recordWords + direction;
    addToTotal(totals, side + wordPackets, 1);
    addToTotal(totals, side + wordBytes, packet.wireLength);
    addToTotal(totals, side + wordIpBytes, packet.ipBytes);
  }

  /** Takes a packet's time: ends flows that are due, a few with each packet. */
  passTime(sec: number): void {
    if (sec > this.#now) this.#now = sec;
    else if (this.#now - sec > disorderS) this.#startOver(sec);
    this.#endDue(dueFlowsPerPacket);
  }

  /** Takes the wall clock's time: ends all flows that are due. */
  advance(nowSec: number): void {
    if (nowSec > this.#now) this.#now = nowSec;
    else if (this.#now - nowSec > disorderS) this.#startOver(nowSec);
    this.#endDue(Number.POSITIVE_INFINITY);
  }

  /** Ends up to `limit` flows, whatever their deadline; answers whether some are left. */
  drain(reason: FlowEndReason, limit: number): boolean {
    for (let left = limit; left > 0; left -= 1) {
      const slot = this.#wheel.peekSoonest();
      if (slot === -1) return false;
      this.#wheel.remove(slot);
      this.#end(slot, this.#reason(slot, this.#now, 0, reason));
    }
    return this.#records.used > 0;
  }

  /** The clock was set back: what there is belongs to a time of its own. */
  #startOver(sec: number): void {
    this.drain("idle", Number.POSITIVE_INFINITY);
    this.#wheel.reset(sec);
    this.#now = sec;
  }

  #endDue(limit: number): void {
    for (let left = limit; left > 0; left -= 1) {
      const slot = this.#wheel.takeDue(this.#now);
      if (slot === -1) break;
      const deadline = this.#deadline(slot);
      if (deadline < this.#now) this.#end(slot, this.#reason(slot, this.#now, 0, "idle"));
      else this.#wheel.schedule(slot, deadline + 1);
    }
    this.#second = this.#wheel.position;
  }

  /** The second in which a flow times out. */
  #deadline(slot: number): number {
    const words = this.#records.words;
    const record = slot * recordWords;
    const quiet = isClosed(words[record + wordState] as number) ? Math.min(lingerS, this.#idleS) : this.#idleS;
    const idle = ((words[record + wordLastSec] as number) >>> 0) + quiet;
    return Math.min(idle, ((words[record + wordStartSec] as number) >>> 0) + this.#activeS);
  }

  /** Times and state for a packet that may end the flow of its key; answers the slot of the flow it belongs to. */
  #countEvent(found: number, packet: FlowPacket): number {
    let slot = found;
    if (this.#isOver(slot, packet)) {
      this.#wheel.remove(slot);
      this.#end(slot, this.#reason(slot, packet.sec, packet.nsec, "idle"));
      slot = this.#create(packet);
    }
    this.#stamp(slot * recordWords, packet.sec, packet.nsec);
    if (metaOf.protocol(packet.meta) === ipProtocols.tcp) this.#countTcp(slot, packet);
    return slot;
  }

  /** Whether a packet comes too late for the flow of its key, or begins a new connection on it. */
  #isOver(slot: number, { sec, nsec, tcpFlags: flags, tcpSequence }: FlowPacket): boolean {
    const words = this.#records.words;
    const record = slot * recordWords;
    const state = words[record + wordState] as number;
    if (beginsAnew(state, words[record + wordIsn] as number, flags, tcpSequence)) return true;
    const quiet = isClosed(state) ? Math.min(lingerS, this.#idleS) : this.#idleS;
    return (
      isLater(sec, nsec, words[record + wordLastSec] as number, words[record + wordLastNsec] as number, quiet) ||
      isLater(sec, nsec, words[record + wordStartSec] as number, words[record + wordStartNsec] as number, this.#activeS)
    );
  }

  /** Why a flow ends at a time, or `otherwise` where neither its state nor a timeout is a reason. */
  #reason(slot: number, sec: number, nsec: number, otherwise: FlowEndReason): FlowEndReason {
    const words = this.#records.words;
    const record = slot * recordWords;
    const closing = closingReason(words[record + wordState] as number);
    if (closing !== undefined) return closing;
    const lastSec = (words[record + wordLastSec] as number) >>> 0;
    const lastNsec = words[record + wordLastNsec] as number;
    const startSec = (words[record + wordStartSec] as number) >>> 0;
    const startNsec = words[record + wordStartNsec] as number;
    const isIdle = isLater(sec, nsec, lastSec, lastNsec, this.#idleS);
    if (!isLater(sec, nsec, startSec, startNsec, this.#activeS)) return isIdle ? "idle" : otherwise;
    // both have passed: the one that came first
    return isIdle && !isLater(lastSec, lastNsec, startSec, startNsec, this.#activeS - this.#idleS) ? "idle" : "active";
  }

  #create(key: FlowPacket): number {
    if (this.#records.full) this.#evict();
    const slot = this.#records.take();
    this.#wheel.grow(this.#records.slots);
    const words = this.#records.words;
    const record = slot * recordWords;
    const { sec, nsec } = key;
    words[record + wordHash] = key.hash;
    words[record + wordPorts] = key.ports;
    words[record + wordMeta] = key.meta;
    words[record + wordInterface] = key.interfaceIndex;
    words[record + wordAddresses] = key.a3;
    words[record + wordAddresses + 1] = key.b3;
    if (key.family === 6) {
      words[record + wordPrefixA] = key.a0;
      words[record + wordPrefixA + 1] = key.a1;
      words[record + wordPrefixA + 2] = key.a2;
      words[record + wordPrefixB] = key.b0;
      words[record + wordPrefixB + 1] = key.b1;
      words[record + wordPrefixB + 2] = key.b2;
    }
    words[record + wordStartSec] = sec;
    words[record + wordStartNsec] = nsec;
    words[record + wordLastSec] = sec;
    words[record + wordLastNsec] = nsec;
    words[record + wordState] = firstState(key.direction);
    words[record + wordIsn] = 0;
    clearTotals(words, record);
    this.#index.add(slot);
    this.#wheel.schedule(slot, this.#deadline(slot) + 1);
    this.created += 1;
    return slot;
  }

  /** Keeps the earliest and the latest time; packets may come a little out of order. */
  #stamp(record: number, sec: number, nsec: number): void {
    const words = this.#records.words;
    const gap = sec - ((words[record + wordLastSec] as number) >>> 0);
    if (gap > 0 || (gap === 0 && nsec > (words[record + wordLastNsec] as number))) {
      words[record + wordLastSec] = sec;
      words[record + wordLastNsec] = nsec;
      return;
    }
    const early = ((words[record + wordStartSec] as number) >>> 0) - sec;
    if (early > 0 || (early === 0 && nsec < (words[record + wordStartNsec] as number))) {
      words[record + wordStartSec] = sec;
      words[record + wordStartNsec] = nsec;
    }
  }

  #countTcp(slot: number, { sec, direction, tcpFlags: flags, tcpSequence }: FlowPacket): void {
    const words = this.#records.words;
    const record = slot * recordWords;
    const state = words[record + wordState] as number;
    if ((flags & (tcpFlags.syn | tcpFlags.ack)) === tcpFlags.syn) words[record + wordIsn] = tcpSequence;
    const next = nextState(state, flags, direction);
    if (next === state) return;
    words[record + wordState] = next;
    if (isClosed(next) && !isClosed(state)) {
      this.#wheel.remove(slot);
      this.#wheel.schedule(slot, sec + lingerS + 1);
    }
  }

  /** Ends the flow that would time out first. */
  #evict(): void {
    const wheel = this.#wheel;
    for (;;) {
      const slot = wheel.peekSoonest();
      const due = this.#deadline(slot) + 1;
      wheel.remove(slot);
      if (Math.min(due, wheel.reach) <= wheel.soonestSecond) {
        this.#end(slot, this.#reason(slot, this.#now, 0, "evicted"));
        return;
      }
      // packets came since it was put there
      wheel.schedule(slot, due);
    }
  }

  /** Writes a flow out that is off the wheel, and forgets it. */
  #end(slot: number, reason: FlowEndReason): void {
    const words = this.#records.words;
    const record = slot * recordWords;
    this.#writer.write(this.#records, slot, reason, this.#interfaces.get(words[record + wordInterface] as number));
    this.endedPackets += totalAt(words, record + wordPackets) + totalAt(words, record + wordPackets + 1);
    this.endedBytes += totalAt(words, record + wordBytes) + totalAt(words, record + wordBytes + 1);
    this.#ended.set(reason, this.ended(reason) + 1);
    this.#index.remove(slot);
    this.#records.giveBack(slot);
  }
}

/** Whether a time lies more than `seconds` behind another one. */
function isLater(sec: number, nsec: number, thanSec: number, thanNsec: number, seconds: number): boolean {
  const gap = sec - (thanSec >>> 0);
  return gap > seconds || (gap === seconds && nsec > thanNsec);
}
