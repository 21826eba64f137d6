/** Where the frame lies that a capture reader has come to, in one object that is used again for every frame. */
export class CapturedFrame {
  offset = 0;
  capturedLength = 0;
  /** Length on the wire, without frame check sequence where the capture says that there is one. */
  wireLength = 0;
  /** Seconds since the Unix epoch, within 32 bits, and nanoseconds. */
  sec = 0;
  nsec = 0;
  linkType = 0;
  /** A number for each interface of the capture; the same name is the same interface. */
  interfaceIndex = 0;
}

/** Frames are captured up to this length (libpcap's MAXIMUM_SNAPLEN); a record that claims more is damaged. */
export const frameBytesMax = 262_144;

/** Reads one capture format out of a buffer. */
export interface CaptureFormat {
  /**
   * Goes to the next frame; false where more of the capture must be in the buffer to go on.
   * Throws `capture_damaged`, `capture_unreadable`.
   */
  next(frame: CapturedFrame): boolean;
  /** What is cut off when the capture ends here, for a message. */
  readonly part: string;
}
