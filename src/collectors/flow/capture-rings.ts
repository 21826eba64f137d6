import { AmoskysError } from "../../core/errors.ts";
import {
  type FrameSink,
  linkFormOf,
  listInterfaces,
  type NetworkInterface,
  openPacketRing,
  type PacketRing,
  type Poller,
  type RingStatistics,
} from "../../native/index.ts";
import type { CapturedInterface, InterfaceChange } from "./capture-messages.ts";
import { ringGeometryOf, ringShare } from "./ring-size.ts";

/** Headers of IP and transport with every tag and option in front of them; flows look no deeper. */
const snapBytes = 512;
/** How long frames of an interface that is gone may still take to be handed over: twice the time of a block. */
const leavingMsMax = 200;

export interface CaptureRingsOptions {
  /** Empty: every interface that is up and carries IP, but the loopback. */
  readonly interfaces: readonly string[];
  /** For each interface; where all are captured from, four times this is shared by them. */
  readonly ringBytes: number;
  readonly promiscuous: boolean;
  readonly sink: FrameSink & { setInterface(interfaceIndex: number, name: string): void };
  /** Hears of every interface that comes, goes or is refused. */
  report(name: string, change: InterfaceChange, reason?: string): void;
}

interface OpenRing {
  readonly ring: PacketRing;
  readonly bytes: number;
  name: string;
  up: boolean;
  /** Set once the interface is gone: when to close, drained or not. */
  closeAtMs: number | undefined;
}

const nothing: RingStatistics = { packets: 0, drops: 0, freezes: 0, delivered: 0, skipped: 0 };

/** The rings of all interfaces that are captured from; follows interfaces that come and go. */
export class CaptureRings {
  readonly #options: CaptureRingsOptions;
  #open: OpenRing[] = [];
  #closed = nothing;
  /** What was said last of each interface that was refused, so that it is said once. */
  readonly #refusals = new Map<string, string>();

  constructor(options: CaptureRingsOptions) {
    this.#options = options;
  }

  /** Opens what is asked for. Throws where a named interface cannot be opened, or none can. */
  openAll(): void {
    const present = listInterfaces();
    const { interfaces } = this.#options;
    const wanted = interfaces.length > 0 ? [...new Set(interfaces)] : this.#wanted(present).map(({ name }) => name);
    let refused: AmoskysError | undefined;
    for (const name of wanted) {
      try {
        this.#openRing(name, present);
      } catch (caught) {
        refused = AmoskysError.from(caught);
        if (interfaces.length > 0) throw refused;
        this.#refuse(name, refused);
      }
    }
    if (refused && this.#open.length === 0) throw refused;
  }

  /** Descriptors to wait for. */
  fds(): number[] {
    return this.#open.map(({ ring }) => ring.fd);
  }

  /** Hands over at most `blocksMax` blocks of each ring; answers of how many. */
  walk(blocksMax: number): number {
    let walked = 0;
    for (const { ring } of this.#open) walked += ring.walk(this.#options.sink, blocksMax);
    return walked;
  }

  /** Takes the errors that the last wait found, so that the next one waits again; answers whether there were any. */
  takeErrors(poller: Poller): boolean {
    const failed = this.#open.filter(({ ring }) => poller.failed(ring.fd));
    for (const { ring } of failed) ring.takeError();
    return failed.length > 0;
  }

  /** Looks at which interfaces there are now: opens, closes and tells. Answers whether the descriptors changed. */
  rescan(nowMs: number): boolean {
    const before = this.fds().join();
    const present = listInterfaces();
    for (const open of this.#open) this.#follow(open, present, nowMs);
    this.closeLeft(nowMs);
    for (const { name } of this.#wanted(present)) {
      try {
        this.#openRing(name, present);
      } catch (caught) {
        this.#refuse(name, AmoskysError.from(caught));
      }
    }
    return this.fds().join() !== before;
  }

  /** Closes rings of interfaces that are gone once their last frames were handed over; answers whether any. */
  closeLeft(nowMs: number): boolean {
    const left = this.#open.filter(
      ({ ring, closeAtMs }) => closeAtMs !== undefined && (nowMs >= closeAtMs || ring.drained()),
    );
    for (const { ring } of left) {
      ring.walk(this.#options.sink, Number.POSITIVE_INFINITY);
      ring.close();
      this.#closed = add(this.#closed, ring.statistics());
    }
    this.#open = this.#open.filter((open) => !left.includes(open));
    return left.length > 0;
  }

  /** Whether frames can come from anywhere. */
  get anyUp(): boolean {
    return this.#open.some(({ up }) => up);
  }

  /** Whether rings of interfaces that are gone wait to be closed. */
  get anyLeaving(): boolean {
    return this.#open.some(({ closeAtMs }) => closeAtMs !== undefined);
  }

  stopReceiving(): void {
    for (const { ring } of this.#open) ring.stopReceiving();
  }

  /** After `stopReceiving`: whether every frame the kernel took was handed over. */
  drained(): boolean {
    return this.#open.every(({ ring }) => ring.drained());
  }

  interfaces(): CapturedInterface[] {
    return this.#open
      .filter(({ closeAtMs }) => closeAtMs === undefined)
      .map(({ ring, name, up }) => ({ name, index: ring.interface.index, up }));
  }

  statistics(): RingStatistics {
    return this.#open.reduce((total, { ring }) => add(total, ring.statistics()), this.#closed);
  }

  /** Unmaps and closes all of them. Safe twice. */
  close(): void {
    for (const { ring } of this.#open) ring.close();
  }

  /** Interfaces that should have a ring and have none. */
  #wanted(present: readonly NetworkInterface[]): NetworkInterface[] {
    const { interfaces } = this.#options;
    return present.filter(({ name, index, up, loopback, hardwareType }) => {
      if (this.#open.some(({ ring, closeAtMs }) => closeAtMs === undefined && ring.interface.index === index))
        return false;
      return interfaces.length > 0
        ? interfaces.includes(name)
        : up && !loopback && linkFormOf(hardwareType) !== undefined;
    });
  }

  #openRing(name: string, present: readonly NetworkInterface[]): void {
    const { interfaces, ringBytes, promiscuous, sink, report } = this.#options;
    const taken = this.#open.reduce((sum, { bytes }) => sum + bytes, 0);
    const bytes = interfaces.length > 0 ? ringBytes : ringShare(ringBytes, taken);
    const index = present.find((candidate) => candidate.name === name)?.index;
    if (index !== undefined) sink.setInterface(index, name);
    const ring = openPacketRing({ interface: name, promiscuous, snapBytes, ...ringGeometryOf(bytes) });
    // it may have been replaced since it was listed
    sink.setInterface(ring.interface.index, name);
    this.#open.push({ ring, bytes, name, up: ring.interface.up, closeAtMs: undefined });
    this.#refusals.delete(name);
    report(name, "opened");
    if (!ring.interface.up) report(name, "down");
  }

  #refuse(name: string, error: AmoskysError): void {
    if (this.#refusals.get(name) === error.message) return;
    this.#refusals.set(name, error.message);
    this.#options.report(name, "refused", error.message);
  }

  #follow(open: OpenRing, present: readonly NetworkInterface[], nowMs: number): void {
    if (open.closeAtMs !== undefined) return;
    const { sink, report } = this.#options;
    const now = present.find(({ index }) => index === open.ring.interface.index);
    if (!now) {
      open.closeAtMs = nowMs + leavingMsMax;
      open.up = false;
      report(open.name, "removed");
      return;
    }
    if (now.name !== open.name) {
      open.name = now.name;
      sink.setInterface(now.index, now.name);
    }
    if (now.up === open.up) return;
    open.up = now.up;
    report(open.name, now.up ? "up" : "down");
  }
}

function add(a: RingStatistics, b: RingStatistics): RingStatistics {
  return {
    packets: a.packets + b.packets,
    drops: a.drops + b.drops,
    freezes: a.freezes + b.freezes,
    delivered: a.delivered + b.delivered,
    skipped: a.skipped + b.skipped,
  };
}
