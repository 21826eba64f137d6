import { setTimeout } from "node:timers/promises";
import type { Clock } from "../../core/clock.ts";
import { AmoskysError } from "../../core/errors.ts";
import { addressNumber, addressText } from "../../core/ip-range.ts";
import { type FrameSocket, openFrameSocket } from "../../native/index.ts";
import { arpRequest, etherTypeArp, parseArpReply } from "./arp-packet.ts";
import type { AttachedNetwork } from "./attached-networks.ts";
import type { Pace } from "./pace.ts";

/** How often an address is asked that does not answer, and how long answers to the last question are waited for. */
const rounds = 2;
const settleMs = 500;
const lookEveryMs = 10;
/** How often a question is sent anew that the kernel had no room for, and the wait between. */
const sendTriesMax = 5;
const sendRetryMs = 10;

export interface ArpSweepOptions {
  readonly network: AttachedNetwork;
  /** IPv4 addresses in that network. */
  readonly addresses: readonly string[];
  readonly pace: Pace;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  onAsked(): void;
}

/** What came of a sweep. */
export interface ArpAnswers {
  /** Hardware addresses by address. */
  readonly hosts: ReadonlyMap<string, string>;
  /** Frames that found no room in the socket; where there are any, who is not among the hosts may have answered. */
  readonly drops: number;
}

/**
 * Asks every address who has it. Throws privilege_missing without CAP_NET_RAW, and
 * unreachable where the interface takes no frames: an address that could not be asked is not one that is silent.
 */
export async function sweepByArp(options: ArpSweepOptions): Promise<ArpAnswers> {
  const { network, addresses, pace, clock, signal, onAsked } = options;
  const socket = openFrameSocket(network.interface, etherTypeArp);
  const found = new Map<string, string>();
  const wanted = new Set(addresses);
  try {
    for (let round = 0; round < rounds && found.size < wanted.size; round += 1) {
      for (const address of addresses) {
        if (signal.aborted) return { hosts: found, drops: 0 };
        if (found.has(address)) continue;
        await pace.next(signal);
        const target = Number(addressNumber(address));
        await sendSurely(socket, arpRequest(network.hardwareAddress, Number(network.own), target), signal);
        onAsked();
        takeReplies(socket, network.hardwareAddress, wanted, found);
      }
      const endMs = clock.monotonicMs() + settleMs;
      while (clock.monotonicMs() < endMs && found.size < wanted.size && !signal.aborted) {
        await setTimeout(lookEveryMs, undefined, { signal }).catch(() => {});
        takeReplies(socket, network.hardwareAddress, wanted, found);
      }
    }
    return { hosts: found, drops: socket.takeDropCount() };
  } finally {
    socket.close();
  }
}

async function sendSurely(socket: FrameSocket, frame: Uint8Array, signal: AbortSignal): Promise<void> {
  for (let tries = 1; !socket.send(frame) && !signal.aborted; tries += 1) {
    if (tries >= sendTriesMax) {
      throw new AmoskysError("unreachable", `"${socket.interface.name}" takes no frames`, {
        hint: "ip link: is the interface up, and has it a carrier",
      });
    }
    await setTimeout(sendRetryMs, undefined, { signal }).catch(() => {});
  }
}

/** Replies that nobody asked for are not taken. */
function takeReplies(
  socket: FrameSocket,
  hardwareAddress: string,
  wanted: ReadonlySet<string>,
  found: Map<string, string>,
): void {
  const frame = new Uint8Array(64);
  // as many as a queue holds: a flood of frames must not keep us here
  for (let n = 0; n < 1000; n += 1) {
    const length = socket.receive(frame);
    if (length === 0) return;
    const answer = parseArpReply(frame.subarray(0, length), hardwareAddress);
    if (!answer) continue;
    const address = addressText(4, BigInt(answer.address));
    // of two that claim one address the first is taken
    if (wanted.has(address) && !found.has(address)) found.set(address, answer.hardwareAddress);
  }
}
