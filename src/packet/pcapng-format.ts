import { AmoskysError } from "../core/errors.ts";
import type { CaptureBuffer } from "./capture-buffer.ts";
import { type CapturedFrame, type CaptureFormat, frameBytesMax } from "./captured-frame.ts";
import { isLinkTypeSupported } from "./link-types.ts";
import { assertLinkType } from "./pcap-format.ts";
import { type InterfaceOptions, readInterfaceOptions } from "./pcapng-options.ts";

// block types and lengths: draft-ietf-opsawg-pcapng
const sectionHeader = 0x0a0d0d0a;
const interfaceDescription = 1;
const obsoletePacket = 2;
const simplePacket = 3;
const enhancedPacket = 6;
const byteOrderMagic = 0x1a2b3c4d;
/** Blocks are refused beyond this length (as libpcap's and Wireshark's readers do). */
const blockBytesMax = 1 << 24;
/** Interfaces of a section, and different ones of a file. */
const interfacesMax = 65_536;

interface SectionInterface extends InterfaceOptions {
  readonly linkType: number;
  readonly snapLength: number;
  readonly index: number;
}

/** Whether these are the first four bytes of a pcapng file. */
export function isPcapng(view: DataView, at: number): boolean {
  return view.getUint32(at) === sectionHeader;
}

/** Reads pcapng files: both byte orders, many sections and interfaces; blocks of other types are skipped. */
export class PcapngFormat implements CaptureFormat {
  readonly part = "a block";
  readonly #buffer: CaptureBuffer;
  readonly #name: string;
  readonly #onInterface: (index: number, name: string) => void;
  #little = false;
  #interfaces: SectionInterface[] = [];
  /** Numbers of interfaces by name, or by place where they have none. */
  readonly #indexes = new Map<string, number>();

  constructor(buffer: CaptureBuffer, name: string, onInterface: (index: number, name: string) => void) {
    this.#buffer = buffer;
    this.#name = name;
    this.#onInterface = onInterface;
  }

  next(frame: CapturedFrame): boolean {
    const buffer = this.#buffer;
    for (;;) {
      if (buffer.length < 12) return false;
      const at = buffer.at;
      const type = buffer.view.getUint32(at, this.#little);
      if (type === sectionHeader) this.#readByteOrder();
      const length = buffer.view.getUint32(at + 4, this.#little);
      if (length < 12 || (length & 3) !== 0 || length > blockBytesMax) {
        this.#refuse(`a block claims ${length} bytes`);
      }
      if (at + length > buffer.end) return false;
      const repeated = buffer.view.getUint32(at + length - 4, this.#little);
      if (repeated !== length) this.#refuse(`a block begins with length ${length} and ends with ${repeated}`);
      const isFrame = this.#readBlock(type, at, at + length - 4, frame);
      buffer.at = at + length;
      if (isFrame) return true;
    }
  }

  /** Reads a block's body, which ends at `end`; answers whether it is a frame. */
  #readBlock(type: number, at: number, end: number, frame: CapturedFrame): boolean {
    switch (type) {
      case enhancedPacket:
        this.#need(at, end, 28);
        return this.#readPacket(at, end, this.#buffer.view.getUint32(at + 8, this.#little), frame);
      case obsoletePacket:
        this.#need(at, end, 28);
        return this.#readPacket(at, end, this.#buffer.view.getUint16(at + 8, this.#little), frame);
      case simplePacket:
        return this.#readSimplePacket(at, end, frame);
      case sectionHeader:
        this.#readSectionHeader(at, end);
        return false;
      case interfaceDescription:
        this.#readInterface(at, end);
        return false;
      default:
        return false;
    }
  }

  /** The byte order of the section that begins here; its length is written in it already. */
  #readByteOrder(): void {
    const { view, at } = this.#buffer;
    if (view.getUint32(at + 8) === byteOrderMagic) this.#little = false;
    else if (view.getUint32(at + 8, true) === byteOrderMagic) this.#little = true;
    else this.#refuse("a section has no byte order");
  }

  #readSectionHeader(at: number, end: number): void {
    this.#need(at, end, 24);
    const version = this.#buffer.view.getUint16(at + 12, this.#little);
    if (version !== 1) this.#refuse(`a section has version ${version}, not 1`);
    this.#interfaces = [];
  }

  #readInterface(at: number, end: number): void {
    this.#need(at, end, 16);
    if (this.#interfaces.length === interfacesMax) this.#refuse(`a section has more than ${interfacesMax} interfaces`);
    const { view, bytes } = this.#buffer;
    const options = readInterfaceOptions(view, bytes, at + 16, end, this.#little);
    const snapLength = view.getUint32(at + 12, this.#little);
    this.#interfaces.push({
      ...options,
      linkType: view.getUint16(at + 8, this.#little),
      snapLength: snapLength === 0 ? frameBytesMax : Math.min(snapLength, frameBytesMax),
      index: this.#indexOf(options.name, this.#interfaces.length),
    });
  }

  #indexOf(name: string, place: number): number {
    const key = name === "" ? `#${place}` : `=${name}`;
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    const index = this.#indexes.size;
    if (index === interfacesMax) this.#refuse(`there are more than ${interfacesMax} interfaces`);
    this.#indexes.set(key, index);
    this.#onInterface(index, name);
    return index;
  }

  /**
   * An enhanced packet block, or the obsolete packet block, whose fields lie at the same places behind the interface.
   */
  #readPacket(at: number, end: number, place: number, frame: CapturedFrame): boolean {
    const view = this.#buffer.view;
    const little = this.#little;
    const from = this.#interfaceAt(place);
    const recorded = view.getUint32(at + 20, little);
    if (recorded > end - at - 28) this.#refuse(`a packet claims ${recorded} bytes in a block of ${end + 4 - at}`);
    from.clock.take(view.getUint32(at + 12, little), view.getUint32(at + 16, little));
    frame.sec = from.clock.sec;
    frame.nsec = from.clock.nsec;
    frame.offset = at + 28;
    frame.wireLength = view.getUint32(at + 24, little);
    this.#describe(frame, from, recorded);
    return true;
  }

  /** A simple packet block: of the first interface, without a time; it gets that of the frame before. */
  #readSimplePacket(at: number, end: number, frame: CapturedFrame): boolean {
    this.#need(at, end, 12);
    const from = this.#interfaceAt(0);
    const wireLength = this.#buffer.view.getUint32(at + 8, this.#little);
    frame.offset = at + 12;
    frame.wireLength = wireLength;
    this.#describe(frame, from, Math.min(wireLength, from.snapLength, end - at - 12));
    return true;
  }

  #describe(frame: CapturedFrame, from: SectionInterface, recorded: number): void {
    if (!isLinkTypeSupported(from.linkType)) this.#assertSomeLinkType(from.linkType);
    frame.capturedLength = Math.min(recorded, from.snapLength);
    frame.wireLength = Math.max(0, frame.wireLength - from.checkSequenceBytes);
    frame.linkType = from.linkType;
    frame.interfaceIndex = from.index;
  }

  /** One interface of another kind among several is passed over (its frames are counted); alone it is an error. */
  #assertSomeLinkType(linkType: number): void {
    if (!this.#interfaces.some((other) => isLinkTypeSupported(other.linkType))) assertLinkType(linkType, this.#name);
  }

  #interfaceAt(place: number): SectionInterface {
    const found = this.#interfaces[place];
    if (found === undefined) this.#refuse(`a packet is of interface ${place}, which is not described`);
    return found;
  }

  #need(at: number, end: number, bytes: number): void {
    if (end - at < bytes) this.#refuse(`a block of ${end + 4 - at} bytes is too short for its type`);
  }

  #refuse(what: string): never {
    const offset = this.#buffer.offset;
    throw new AmoskysError("capture_damaged", `"${this.#name}" is damaged at byte ${offset}: ${what}`, {
      details: { offset },
    });
  }
}
