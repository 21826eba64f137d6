import { AmoskysError } from "../core/errors.ts";
import type { CaptureBuffer } from "./capture-buffer.ts";
import { type CapturedFrame, type CaptureFormat, frameBytesMax } from "./captured-frame.ts";
import { isLinkTypeSupported } from "./link-types.ts";

const fileHeaderBytes = 24;
const recordHeaderBytes = 16;
/** Records of Kuznetzov's patched libpcap carry interface, protocol and packet type too. */
const patchedRecordHeaderBytes = 24;

/** The first word of a file by what its times count and how long its record headers are (pcap-savefile(5)). */
const magics: ReadonlyMap<number, { nsecPerTick: number; headerBytes: number }> = new Map([
  [0xa1b2c3d4, { nsecPerTick: 1000, headerBytes: recordHeaderBytes }],
  [0xa1b23c4d, { nsecPerTick: 1, headerBytes: recordHeaderBytes }],
  [0xa1b2cd34, { nsecPerTick: 1000, headerBytes: patchedRecordHeaderBytes }],
]);

/** Whether these are the first four bytes of a pcap file, in either byte order. */
export function isPcap(view: DataView, at: number): boolean {
  return magics.has(view.getUint32(at)) || magics.has(view.getUint32(at, true));
}

/** Reads pcap files: both byte orders, times in microseconds or nanoseconds. */
export class PcapFormat implements CaptureFormat {
  readonly #buffer: CaptureBuffer;
  readonly #name: string;
  #headerRead = false;
  #little = false;
  #nsecPerTick = 1000;
  #headerBytes = recordHeaderBytes;
  #frameBytesMax = frameBytesMax;
  #linkType = 0;
  #checkSequenceBytes = 0;
  /** Where in a record header the captured and the original length lie. */
  #capturedAt = 8;
  #originalAt = 12;

  constructor(buffer: CaptureBuffer, name: string) {
    this.#buffer = buffer;
    this.#name = name;
  }

  get part(): string {
    return this.#headerRead ? "a packet" : "the file header";
  }

  next(frame: CapturedFrame): boolean {
    const buffer = this.#buffer;
    if (!this.#headerRead) {
      if (buffer.length < fileHeaderBytes) return false;
      this.#readFileHeader();
    }
    const headerBytes = this.#headerBytes;
    const at = buffer.at;
    if (at + headerBytes > buffer.end) return false;
    const view = buffer.view;
    const little = this.#little;
    const recorded = view.getUint32(at + this.#capturedAt, little);
    if (recorded > frameBytesMax) this.#refuse(recorded);
    if (at + headerBytes + recorded > buffer.end) return false;
    frame.sec = view.getUint32(at, little);
    frame.nsec = view.getUint32(at + 4, little) * this.#nsecPerTick;
    if (frame.nsec >= 1e9) carry(frame);
    frame.offset = at + headerBytes;
    frame.capturedLength = Math.min(recorded, this.#frameBytesMax);
    frame.wireLength = Math.max(0, view.getUint32(at + this.#originalAt, little) - this.#checkSequenceBytes);
    frame.linkType = this.#linkType;
    frame.interfaceIndex = 0;
    buffer.at = at + headerBytes + recorded;
    return true;
  }

  #readFileHeader(): void {
    const { view, at } = this.#buffer;
    this.#little = !magics.has(view.getUint32(at));
    const format = magics.get(view.getUint32(at, this.#little)) as { nsecPerTick: number; headerBytes: number };
    this.#nsecPerTick = format.nsecPerTick;
    this.#headerBytes = format.headerBytes;
    const version = view.getUint16(at + 4, this.#little);
    if (version !== 2) {
      throw new AmoskysError("capture_unreadable", `"${this.#name}" is a pcap file of version ${version}, not 2`);
    }
    // before version 2.3 the two lengths stood the other way round
    if (view.getUint16(at + 6, this.#little) < 3) [this.#capturedAt, this.#originalAt] = [12, 8];
    const snapLength = view.getUint32(at + 16, this.#little);
    if (snapLength > 0 && snapLength < frameBytesMax) this.#frameBytesMax = snapLength;
    // bits 28 to 31: length of the frame check sequence in 16-bit words, valid with bit 26
    const link = view.getUint32(at + 20, this.#little);
    this.#linkType = link & 0xffff;
    this.#checkSequenceBytes = (link & 0x0400_0000) === 0 ? 0 : (link >>> 28) * 2;
    assertLinkType(this.#linkType, this.#name);
    this.#buffer.at += fileHeaderBytes;
    this.#headerRead = true;
  }

  #refuse(recorded: number): never {
    const offset = this.#buffer.offset;
    throw new AmoskysError(
      "capture_damaged",
      `"${this.#name}" is damaged at byte ${offset}: a packet claims ${recorded} bytes, more than ${frameBytesMax}`,
      { details: { offset } },
    );
  }
}

/** Throws `capture_unreadable` for a link type that is not decoded. */
export function assertLinkType(linkType: number, name: string): void {
  if (isLinkTypeSupported(linkType)) return;
  throw new AmoskysError("capture_unreadable", `"${name}" has link type ${linkType}, which is not decoded`, {
    hint: "capture on an Ethernet, raw IP, Linux cooked, loopback or PPP interface",
    details: { linkType },
  });
}

/** Files exist whose fraction of a second is a second or more. */
function carry(frame: CapturedFrame): void {
  frame.sec = Math.min(frame.sec + Math.floor(frame.nsec / 1e9), 0xffffffff);
  frame.nsec %= 1e9;
}
