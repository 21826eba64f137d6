import { TickClock } from "./tick-clock.ts";

// option codes: draft-ietf-opsawg-pcapng, section 4.2
const endOfOptions = 0;
const interfaceName = 2;
const timeResolution = 9;
const checkSequenceLength = 13;
const timeOffset = 14;

const decoder = new TextDecoder();

/** What an interface description block says in its options. */
export interface InterfaceOptions {
  /** Empty where there is none. */
  readonly name: string;
  readonly clock: TickClock;
  /** Length of the frame check sequence that frames end with. */
  readonly checkSequenceBytes: number;
}

/** Reads the options that lie from `start` to `end`; ones that are cut off or have another length are passed over. */
export function readInterfaceOptions(
  view: DataView,
  bytes: Uint8Array,
  start: number,
  end: number,
  little: boolean,
): InterfaceOptions {
  let name = "";
  let resolution = 6;
  let offsetSec = 0;
  let checkSequenceBytes = 0;
  for (let at = start; at + 4 <= end; ) {
    const code = view.getUint16(at, little);
    const length = view.getUint16(at + 2, little);
    const value = at + 4;
    if (code === endOfOptions || value + length > end) break;
    if (code === interfaceName) name = textOf(bytes.subarray(value, value + length));
    else if (code === timeResolution && length === 1) resolution = view.getUint8(value);
    else if (code === checkSequenceLength && length === 1) checkSequenceBytes = view.getUint8(value);
    else if (code === timeOffset && length === 8) offsetSec = Number(view.getBigInt64(value, little));
    at = value + ((length + 3) & ~3);
  }
  return { name, clock: new TickClock(resolution, offsetSec), checkSequenceBytes };
}

/** A name up to its first zero byte, at most 255 bytes of it. */
function textOf(bytes: Uint8Array): string {
  const zero = bytes.indexOf(0);
  return decoder.decode(bytes.subarray(0, Math.min(zero === -1 ? bytes.length : zero, 255)));
}
