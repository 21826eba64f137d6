import { CaptureReader } from "../../src/packet/index.ts";

export interface ReadFrame {
  readonly frame: Uint8Array;
  readonly sec: number;
  readonly nsec: number;
  readonly wireLength: number;
  readonly linkType: number;
  readonly interfaceIndex: number;
}

/**
 * All frames of a capture, fed in pieces of `pieceBytes`; what was read before an error is in `frames` all the same.
 */
export function readCapture(
  capture: Uint8Array,
  pieceBytes = capture.length,
): { frames: ReadFrame[]; interfaces: Map<number, string>; error: unknown } {
  const frames: ReadFrame[] = [];
  const interfaces = new Map<number, string>();
  const reader = new CaptureReader({ name: "test", onInterface: (index, name) => interfaces.set(index, name) });
  try {
    for (let at = 0; at < capture.length; ) {
      const space = reader.space();
      const piece = capture.subarray(at, at + Math.min(pieceBytes, space.length));
      space.set(piece);
      reader.filled(piece.length);
      at += piece.length;
      while (reader.next()) {
        const { offset, capturedLength, sec, nsec, wireLength, linkType, interfaceIndex } = reader.frame;
        const frame = reader.bytes.slice(offset, offset + capturedLength);
        frames.push({ frame, sec, nsec, wireLength, linkType, interfaceIndex });
      }
    }
    reader.finish();
  } catch (error) {
    return { frames, interfaces, error };
  }
  return { frames, interfaces, error: undefined };
}
