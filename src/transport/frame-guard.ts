import type { ServerLimits } from "./limits.ts";

/** Why a connection is cut for what its frames look like. */
export type FrameAbuse = "continuation_flood" | "control_flood" | "reset_flood" | "small_frame_flood";

// RFC 9113: length of the preface (3.4), of a frame header (4.1), frame types (6) and flags (6.1, 6.2)
const prefaceBytes = 24;
const headerBytes = 9;
const frame = { data: 0, headers: 1, resetStream: 3, continuation: 9 } as const;
const endStream = 0x1;
const smallBytes = 64;
const smallFramesPerCall = 4;

/**
 * Counts the frames of one connection as they come out of TLS, before the HTTP/2 parser sees them. It exists because
 * Bun 1.4 lets some floods pass that cost the peer nothing: empty CONTINUATION frames without an end (CVE-2024-27316
 * and its like), PRIORITY, WINDOW_UPDATE and unknown frames. It reads 9 bytes a frame and copies nothing.
 */
export class FrameGuard {
  readonly #limits: ServerLimits;
  readonly #partial = new Uint8Array(headerBytes);
  #partialLength = 0;
  /** Bytes until the next frame header. */
  #skip = prefaceBytes;
  #continuations = 0;
  #resets = 0;
  #control = 0;
  #small = 0;
  #calls = 0;

  constructor(limits: ServerLimits) {
    this.#limits = limits;
  }

  /** Starts the next interval of counting. */
  renew(): void {
    this.#resets = 0;
    this.#control = 0;
    this.#small = 0;
    this.#calls = 0;
  }

  /** Goes over what was received; answers the first limit that it breaks. */
  inspect(chunk: Uint8Array): FrameAbuse | undefined {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - offset);
        this.#skip -= skipped;
        offset += skipped;
        continue;
      }
      if (this.#partialLength === 0 && chunk.length - offset >= headerBytes) {
        const abuse = this.#frame(chunk, offset);
        if (abuse) return abuse;
        offset += headerBytes;
        continue;
      }
      this.#partial[this.#partialLength] = chunk[offset] as number;
      this.#partialLength += 1;
      offset += 1;
      if (this.#partialLength < headerBytes) continue;
      this.#partialLength = 0;
      const abuse = this.#frame(this.#partial, 0);
      if (abuse) return abuse;
    }
    return undefined;
  }

  #frame(bytes: Uint8Array, at: number): FrameAbuse | undefined {
    const length = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
    const type = bytes[at + 3];
    const flags = bytes[at + 4] as number;
    const limits = this.#limits;
    this.#skip = length;
    switch (type) {
      case frame.data:
        if (length < smallBytes && !(flags & endStream)) this.#small += 1;
        return this.#small > limits.smallFramesMax + smallFramesPerCall * this.#calls ? "small_frame_flood" : undefined;
      case frame.headers:
        this.#calls += 1;
        this.#continuations = 0;
        return undefined;
      case frame.continuation:
        this.#continuations += 1;
        return this.#continuations > limits.continuationsMax ? "continuation_flood" : undefined;
      case frame.resetStream:
        this.#resets += 1;
        return this.#resets > limits.resetsMax ? "reset_flood" : undefined;
      default:
        this.#control += 1;
        return this.#control > limits.controlFramesMax ? "control_flood" : undefined;
    }
  }
}
