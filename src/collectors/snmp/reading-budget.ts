import { AmoskysError } from "../../core/errors.ts";

const mebi = 1 << 20;
/** What one device may take in a round: 10,000 interfaces with all their columns are about 12 MiB. */
const deviceBytesMax = 16 * mebi;
/** What all devices that are read at once may take. */
const allBytesMax = 64 * mebi;
/** Of a cell beside its index and its value. */
const cellBytes = 48;

/**
 * What readings hold in memory at once. A device has its even share in any case, so that no other can take it; more
 * only as long as there is room for all.
 */
export class ReadingBudget {
  readonly #shareBytes: number;
  #takenBytes = 0;

  /** For at most so many devices at once. */
  constructor(devicesMax: number) {
    this.#shareBytes = allBytesMax / devicesMax;
  }

  /** The part of one device, for one round. */
  open(): DeviceBudget {
    let ownBytes = 0;
    return {
      take: (contentBytes) => {
        const bytes = contentBytes + cellBytes;
        if (ownBytes + bytes > deviceBytesMax) throw tooLarge(`more than ${deviceBytesMax / mebi} MiB`);
        if (ownBytes + bytes > this.#shareBytes && this.#takenBytes + bytes > allBytesMax) {
          throw tooLarge(`and all devices at once more than ${allBytesMax / mebi} MiB`);
        }
        ownBytes += bytes;
        this.#takenBytes += bytes;
      },
      close: () => {
        this.#takenBytes -= ownBytes;
        ownBytes = 0;
      },
    };
  }
}

/** What one device may still be read of. */
export interface DeviceBudget {
  /** Notes a cell with so many bytes. Throws `answer_invalid` where there is no room for it. */
  take(contentBytes: number): void;
  /** Gives all back. Safe twice. */
  close(): void;
}

function tooLarge(how: string): AmoskysError {
  return new AmoskysError("answer_invalid", `Its tables have ${how}: the rest is not read`, {
    hint: "set snmp.profile, or lower snmp.max_interfaces and snmp.max_rows",
  });
}
