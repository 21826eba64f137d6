import { AmoskysError } from "../core/errors.ts";
import { CaptureBuffer } from "./capture-buffer.ts";
import { CapturedFrame, type CaptureFormat } from "./captured-frame.ts";
import { isPcap, PcapFormat } from "./pcap-format.ts";
import { isPcapng, PcapngFormat } from "./pcapng-format.ts";

/** First bytes of compressed files, and what unpacks them. */
const packers: readonly { readonly magic: readonly number[]; readonly name: string; readonly command: string }[] = [
  { magic: [0x1f, 0x8b], name: "gzip", command: "gunzip -c" },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], name: "zstd", command: "zstd -dc" },
  { magic: [0xfd, 0x37, 0x7a, 0x58], name: "xz", command: "xz -dc" },
  { magic: [0x42, 0x5a, 0x68], name: "bzip2", command: "bunzip2 -c" },
  { magic: [0x04, 0x22, 0x4d, 0x18], name: "lz4", command: "lz4 -dc" },
];

export interface CaptureReaderOptions {
  /** The file's name for messages, safe to print. */
  readonly name: string;
  /** Told each interface before its first frame; the name is the file's, and may be anything. */
  readonly onInterface?: (interfaceIndex: number, name: string) => void;
}

/**
 * Reads frames out of a pcap or pcapng capture that is handed to it in pieces: fill `space()`, say how much with
 * `filled()`, take frames with `next()` until it answers false, and again; at the end of the file call `finish()`. The
 * next piece may be read into the space while the frames of this one are taken. Uses constant memory: two buffers of
 * about a megabyte, or of twice the longest block (16 MiB at most).
 */
export class CaptureReader {
  readonly frame = new CapturedFrame();
  readonly #buffer = new CaptureBuffer();
  readonly #options: CaptureReaderOptions;
  #format: CaptureFormat | undefined;

  constructor(options: CaptureReaderOptions) {
    this.#options = options;
  }

  /** The buffer that `frame.offset` points into; another one after `filled()`. */
  get bytes(): Uint8Array {
    return this.#buffer.bytes;
  }

  get view(): DataView {
    return this.#buffer.view;
  }

  /** Bytes of the capture that were read up to the next frame. */
  get offset(): number {
    return this.#buffer.offset;
  }

  /** Room for more of the capture, the same until `filled` is called. */
  space(): Uint8Array {
    return this.#buffer.space();
  }

  /** Notes that this many bytes were read into the room. To be called when `next` has answered false. */
  filled(bytes: number): void {
    this.#buffer.filled(bytes);
  }

  /**
   * Goes to the next frame; false where more of the capture is needed. Throws `capture_unreadable` for what is no
   * capture, or one of a link type that is not decoded, and `capture_damaged` where its structure breaks.
   */
  next(): boolean {
    if (this.#format === undefined) {
      if (this.#buffer.length < 4) return false;
      this.#format = this.#detect();
    }
    return this.#format.next(this.frame);
  }

  /** Throws `capture_truncated` unless the capture ends behind a whole record. */
  finish(): void {
    if (this.#format !== undefined && this.#buffer.length === 0) return;
    const offset = this.#buffer.offset;
    const part = this.#format?.part ?? "the file header";
    throw new AmoskysError(
      "capture_truncated",
      `"${this.#options.name}" is cut off: it ends inside ${part} that begins at byte ${offset}`,
      { hint: "what comes before it was read; copy the file again for the rest", details: { offset } },
    );
  }

  #detect(): CaptureFormat {
    const { view, bytes, at } = this.#buffer;
    const { name, onInterface } = this.#options;
    if (isPcap(view, at)) {
      onInterface?.(0, "");
      return new PcapFormat(this.#buffer, name);
    }
    if (isPcapng(view, at)) return new PcapngFormat(this.#buffer, name, onInterface ?? (() => {}));
    const packer = packers.find(({ magic }) => magic.every((byte, i) => bytes[at + i] === byte));
    if (packer !== undefined) {
      throw new AmoskysError("capture_unreadable", `"${name}" is compressed with ${packer.name}`, {
        hint: `${packer.command} FILE | amoskys agent flow --read -`,
      });
    }
    throw new AmoskysError("capture_unreadable", `"${name}" is neither a pcap nor a pcapng file`, {
      hint: "give a file that tcpdump -w or Wireshark wrote",
    });
  }
}
