import { printable } from "../../core/escape.ts";
import { DecodedPacket, decodeFrame, otherFrameReasons } from "../../packet/index.ts";
import { interfaceNameBytesMax } from "./flow-event-writer.ts";
import { type FlowEndReason, type FlowFigures, flowEndReasons } from "./flow-figures.ts";
import { FlowPacket } from "./flow-packet.ts";
import type { FlowBatch } from "./flow-source.ts";
import { FlowTable } from "./flow-table.ts";
import { createHashTables } from "./hash-tables.ts";
import { createOwnTraffic } from "./own-traffic.ts";

/** Plain data, so that it can be handed to a worker thread. */
export interface FlowEngineOptions {
  /** A flow without a packet for longer than this ends as `idle`. */
  readonly idleTimeoutS: number;
  /** A flow that has lasted longer than this ends as `active`; its next packet begins another. */
  readonly activeTimeoutS: number;
  /** Flows held at once; beyond that the one that would time out first ends as `evicted`. */
  readonly flowsMax: number;
  /** TCP with one of these endpoints is the agent's own traffic: counted, but no flow. */
  readonly own?: { readonly addresses: readonly string[]; readonly port: number };
  /** Makes the flow table's hash; random by default. Which flows come out, and in what order, does not depend on it. */
  readonly hashSeed?: number;
}

/** Packets in, ended flows out. */
export interface FlowEngine {
  /** Names an interface index; packets of an index without a name carry none. */
  setInterface(interfaceIndex: number, name: string): void;
  /**
   * Takes one frame that lies in `bytes` at `offset`; `view` shows the same buffer with the same origin. Nothing of the
   * frame is kept. `vlanFromRing` is the VLAN identifier (or tag control information) that the kernel took out of the
   * frame, 0 for none.
   */
  frame(
    view: DataView,
    bytes: Uint8Array,
    offset: number,
    capturedLength: number,
    wireLength: number,
    tsSec: number,
    tsNsec: number,
    linkType: number,
    interfaceIndex: number,
    vlanFromRing: number,
  ): void;
  /** Lets time pass without packets, for live sources: seconds since the Unix epoch. */
  advance(nowSec: number): void;
  /** Ends flows that are still there: all of them, or at most `limit`. Answers whether some are left. */
  drain(reason?: "shutdown" | "eof", limit?: number): boolean;
  /**
   * Flows that have ended and were not taken yet; the last few packets may not have been looked at. Take often: nothing
   * bounds them but the flows in the table.
   */
  readonly pending: number;
  /** Hands over the flows that have ended. */
  takeEvents(): FlowBatch;
  figures(): FlowFigures;
}

/** An engine with an empty table. */
export function createFlowEngine(options: FlowEngineOptions): FlowEngine {
  return new Engine(options);
}

const encoder = new TextEncoder();

/** So many packets are decoded before they are counted together. */
const packetsTogether = 32;

class Engine implements FlowEngine {
  readonly #decoded = new DecodedPacket();
  /** Packets that were decoded and not counted to their flows yet: the first `#waiting`. */
  readonly #packets: readonly FlowPacket[];
  #waiting = 0;
  /** The time of a frame that is no packet, since the last packets were counted. */
  #otherSec: number | undefined;
  readonly #table: FlowTable;
  readonly #isOwn: ((packet: DecodedPacket) => boolean) | undefined;
  readonly #otherFrames = new Float64Array(otherFrameReasons.length + 1);
  #frames = 0;
  #bytes = 0;
  #otherBytes = 0;
  #ownPackets = 0;
  #ownBytes = 0;

  constructor(options: FlowEngineOptions) {
    const tables = createHashTables(options.hashSeed);
    this.#packets = Array.from({ length: packetsTogether }, () => new FlowPacket(tables));
    this.#table = new FlowTable(options);
    this.#isOwn = options.own && createOwnTraffic(options.own.addresses, options.own.port);
  }

  setInterface(interfaceIndex: number, name: string): void {
    this.#countWaiting();
    const text = new Uint8Array(interfaceNameBytesMax);
    const { written } = encoder.encodeInto(printable(name), text);
    this.#table.setInterface(interfaceIndex, text.subarray(0, written));
  }

  frame(
    view: DataView,
    _bytes: Uint8Array,
    offset: number,
    capturedLength: number,
    wireLength: number,
    tsSec: number,
    tsNsec: number,
    linkType: number,
    interfaceIndex: number,
    vlanFromRing: number,
  ): void {
    this.#frames += 1;
    this.#bytes += wireLength;
    const decoded = this.#decoded;
    if (!decodeFrame(view, offset, capturedLength, wireLength, linkType, decoded)) {
      this.#otherFrames[decoded.outcome] = (this.#otherFrames[decoded.outcome] as number) + 1;
      this.#otherBytes += wireLength;
      this.#otherSec = tsSec;
      return;
    }
    if (this.#isOwn?.(decoded)) {
      this.#ownPackets += 1;
      this.#ownBytes += wireLength;
      this.#otherSec = tsSec;
      return;
    }
    const packet = this.#packets[this.#waiting] as FlowPacket;
    const vlanId = vlanFromRing & 0xfff;
    packet.take(decoded, interfaceIndex, vlanId === 0 ? decoded.vlanId : vlanId);
    packet.wireLength = wireLength;
    packet.sec = tsSec;
    packet.nsec = tsNsec;
    this.#waiting += 1;
    if (this.#waiting === packetsTogether) this.#countWaiting();
  }

  #countWaiting(): void {
    this.#table.countAll(this.#packets, this.#waiting);
    this.#waiting = 0;
    if (this.#otherSec === undefined) return;
    this.#table.passTime(this.#otherSec);
    this.#otherSec = undefined;
  }

  advance(nowSec: number): void {
    this.#countWaiting();
    this.#table.advance(nowSec);
  }

  drain(reason: "shutdown" | "eof" = "shutdown", limit = Number.POSITIVE_INFINITY): boolean {
    this.#countWaiting();
    return this.#table.drain(reason, limit);
  }

  get pending(): number {
    return this.#table.pending;
  }

  takeEvents(): FlowBatch {
    this.#countWaiting();
    return this.#table.takeEvents();
  }

  figures(): FlowFigures {
    this.#countWaiting();
    const other = otherFrameReasons.map((reason, i) => [reason, this.#otherFrames[i + 1] as number] as const);
    const otherCount = other.reduce((sum, [, frames]) => sum + frames, 0);
    const table = this.#table;
    const ended = flowEndReasons.map((reason) => [reason, table.ended(reason)] as const);
    return {
      frames: this.#frames,
      bytes: this.#bytes,
      endedPackets: table.endedPackets,
      endedBytes: table.endedBytes,
      activePackets: this.#frames - otherCount - this.#ownPackets - table.endedPackets,
      activeBytes: this.#bytes - this.#otherBytes - this.#ownBytes - table.endedBytes,
      otherFrames: Object.fromEntries(other) as FlowFigures["otherFrames"],
      otherBytes: this.#otherBytes,
      ownPackets: this.#ownPackets,
      ownBytes: this.#ownBytes,
      flowsActive: table.active,
      flowsCreated: table.created,
      flowsEnded: Object.fromEntries(ended) as Record<FlowEndReason, number>,
    };
  }
}
