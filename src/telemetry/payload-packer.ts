import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { DeviceTelemetrySchema } from "../gen/universal_telemetry_pb.ts";

/** The tag of DeviceTelemetry.events: field 5, length-delimited. */
const eventsTag = (5 << 3) | 2;
/** The tag, and the length of an event below 2^28 bytes. */
const entryHeadBytesMax = 5;

type Envelope = Omit<MessageInitShape<typeof DeviceTelemetrySchema>, "$typeName" | "events">;

function encoded(envelope: Envelope): Uint8Array {
  return toBinary(DeviceTelemetrySchema, create(DeviceTelemetrySchema, envelope));
}

/**
 * Packs encoded TelemetryEvents into as few DeviceTelemetry payloads as their order allows, each of at most `bytesMax`
 * bytes but where one event alone is larger. A protobuf message is the concatenation of its fields: those around the
 * events are encoded once, and each event is copied.
 */
export class PayloadPacker {
  readonly #bytesMax: number;
  /** The fields before and behind the events, in the order of their numbers. */
  readonly #head: Uint8Array;
  readonly #tail: Uint8Array;
  #buffer = new Uint8Array(4096);
  #used = 0;
  #full: Uint8Array[] = [];
  #isFirst = true;

  constructor({ deviceId, deviceType, protocol, metadata, ...rest }: Envelope, bytesMax: number) {
    this.#bytesMax = bytesMax;
    const head = { deviceId, deviceType, protocol, metadata };
    this.#head = encoded(Object.fromEntries(Object.entries(head).filter(([, value]) => value !== undefined)));
    this.#tail = encoded(rest);
    this.#begin();
  }

  add(event: Uint8Array): void {
    const isEmpty = this.#used === this.#head.length;
    const bytes = this.#used + varintBytes(event.length) + 1 + event.length + this.#tail.length;
    if (!isEmpty && bytes > this.#bytesMax) this.#end();
    this.#reserve(entryHeadBytesMax + event.length);
    this.#buffer[this.#used++] = eventsTag;
    let length = event.length;
    for (; length > 127; length >>>= 7) this.#buffer[this.#used++] = (length & 127) | 0x80;
    this.#buffer[this.#used++] = length;
    this.#buffer.set(event, this.#used);
    this.#used += event.length;
  }

  /** The payloads that became full since the last call. */
  takeFull(): Uint8Array[] {
    const full = this.#full;
    if (full.length > 0) this.#full = [];
    return full;
  }

  /** All that was not taken yet; at least one payload in all, even where there is no event. */
  takeAll(): Uint8Array[] {
    if (this.#isFirst || this.#used > this.#head.length) this.#end();
    return this.takeFull();
  }

  #begin(): void {
    this.#used = 0;
    this.#reserve(this.#head.length);
    this.#buffer.set(this.#head);
    this.#used = this.#head.length;
  }

  #end(): void {
    const payload = new Uint8Array(this.#used + this.#tail.length);
    payload.set(this.#buffer.subarray(0, this.#used));
    payload.set(this.#tail, this.#used);
    this.#full.push(payload);
    this.#isFirst = false;
    this.#begin();
  }

  #reserve(count: number): void {
    if (this.#used + count <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(this.#buffer.length * 2, this.#used + count));
    larger.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = larger;
  }
}

function varintBytes(value: number): number {
  return value < 128 ? 1 : 1 + varintBytes(Math.floor(value / 128));
}
