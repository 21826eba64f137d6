import { tcpFlags } from "../../packet/index.ts";

/**
 * The state word of a flow. Bits 0 to 7 and 8 to 15 are the union of the TCP flags that A and that B sent; so "both
 * sent FIN" needs no bits of its own.
 */
const initiatorIsB = 1 << 16;
/** A SYN or SYN+ACK has told who initiated. */
const initiatorKnown = 1 << 17;
const resetSeen = 1 << 18;
/** Both sides sent FIN, and an acknowledgment came after that. */
const finished = 1 << 19;
const isnKnown = 1 << 20;

const finBoth = tcpFlags.fin | (tcpFlags.fin << 8);

const eventFlags = tcpFlags.syn | tcpFlags.fin | tcpFlags.rst;
const eventBits = tcpFlags.fin | (tcpFlags.fin << 8) | resetSeen | finished;

/** Whether a packet with these flags does no more than add them to the union. */
export function isUneventful(state: number, flags: number): boolean {
  return (flags & eventFlags) === 0 && (state & eventBits) === 0;
}

/** State of a flow whose first packet was sent by A (0) or B (1), before that packet is counted. */
export function firstState(direction: number): number {
  return direction === 0 ? 0 : initiatorIsB;
}

/** State after a TCP packet with these flags from A (0) or B (1). */
export function nextState(state: number, flags: number, direction: number): number {
  let next = state | (flags << (direction * 8));
  if ((flags & tcpFlags.syn) !== 0) {
    next |= (flags & tcpFlags.ack) === 0 ? isnKnown : 0;
    if ((next & initiatorKnown) === 0) {
      const initiator = (flags & tcpFlags.ack) === 0 ? direction : 1 - direction;
      next = (next & ~initiatorIsB) | (initiator === 1 ? initiatorIsB : 0) | initiatorKnown;
    }
  }
  if ((flags & tcpFlags.rst) !== 0) next |= resetSeen;
  // the acknowledgment of the last FIN: one that comes when both FINs were there before
  if ((state & finBoth) === finBoth && (flags & (tcpFlags.ack | tcpFlags.fin)) === tcpFlags.ack) next |= finished;
  return next;
}

/** Whether only stragglers are to be expected: reset, or finished and acknowledged. */
export function isClosed(state: number): boolean {
  return (state & (resetSeen | finished)) !== 0;
}

/**
 * Whether a SYN without ACK begins a new connection on this tuple: the old one was reset or has FINs of both sides, and
 * this is no retransmission of its SYN.
 */
export function beginsAnew(state: number, isn: number, flags: number, sequence: number): boolean {
  if ((flags & (tcpFlags.syn | tcpFlags.ack)) !== tcpFlags.syn) return false;
  if ((state & resetSeen) === 0 && (state & finBoth) !== finBoth) return false;
  return (state & isnKnown) === 0 || isn !== sequence;
}

/** The reason a TCP flow has for ending by itself, if any. */
export function closingReason(state: number): "fin" | "rst" | undefined {
  if ((state & finBoth) === finBoth) return "fin";
  return (state & resetSeen) !== 0 ? "rst" : undefined;
}

/** 0 where A initiated the flow, 1 where B did. */
export function initiatorOf(state: number): number {
  return (state & initiatorIsB) === 0 ? 0 : 1;
}

/** Union of the flags that A (0) or B (1) sent. */
export function flagsOf(state: number, side: number): number {
  return (state >>> (side * 8)) & 0xff;
}
