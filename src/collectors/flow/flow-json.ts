/** How the protobuf JSON mapping writes a field: 64-bit integers are strings there. */
type FieldKind = "string" | "uint32" | "uint64";

/** The fields of messaging.FlowEvent. */
const fields: readonly (readonly [number, string, FieldKind])[] = [
  [1, "srcIp", "string"],
  [2, "dstIp", "string"],
  [3, "srcPort", "uint32"],
  [4, "dstPort", "uint32"],
  [5, "protocol", "string"],
  [6, "bytesSent", "uint64"],
  [7, "bytesRecv", "uint64"],
  [8, "flags", "uint32"],
  [9, "startTime", "uint64"],
  [10, "endTime", "uint64"],
  [11, "bytesTx", "uint64"],
  [12, "bytesRx", "uint64"],
  [13, "proto", "string"],
  [14, "durationMs", "uint32"],
  [100, "packetsTx", "uint64"],
  [101, "packetsRx", "uint64"],
  [102, "tcpFlagsTx", "uint32"],
  [103, "tcpFlagsRx", "uint32"],
  [104, "ipBytesTx", "uint64"],
  [105, "ipBytesRx", "uint64"],
  [106, "endReason", "string"],
  [107, "interface", "string"],
  [108, "vlanId", "uint32"],
  [109, "communityId", "string"],
];

const encoder = new TextEncoder();
/** By field number: `,"name":` with the quote that opens the value, and whether there is one to close it. */
const keys: (Uint8Array | undefined)[] = [];
const quoted: boolean[] = [];
for (const [number, name, kind] of fields) {
  keys[number] = encoder.encode(kind === "uint32" ? `,"${name}":` : `,"${name}":"`);
  quoted[number] = kind !== "uint32";
}

const quote = 0x22;
/** What stands around each flow, as around every event that is printed. */
const opening = encoder.encode('{"kind":"flow","event":');
const closing = encoder.encode("}}\n");
/** A field takes at most its key and this, and each byte of a string at most six. */
const fieldBytesMax = 64;

/** The four digits of every number below 10^4. */
function createFourDigits(): Uint8Array {
  const digits = new Uint8Array(40_000);
  for (let n = 0; n < 10_000; n += 1) {
    digits[n * 4] = 0x30 + Math.floor(n / 1000);
    digits[n * 4 + 1] = 0x30 + (Math.floor(n / 100) % 10);
    digits[n * 4 + 2] = 0x30 + (Math.floor(n / 10) % 10);
    digits[n * 4 + 3] = 0x30 + (n % 10);
  }
  return digits;
}

/** Messages turned into lines, in a buffer that is used again. */
export class FlowJsonWriter {
  #bytes = new Uint8Array(1 << 16);
  #at = 0;
  readonly #fourDigits = createFourDigits();
  /** Where the message being read stands, and the value read last in two halves. */
  #from = 0;
  #low = 0;
  #high = 0;

  /** Bytes that wait to be taken. */
  get length(): number {
    return this.#at;
  }

  /**
   * Writes a message that FlowEventWriter wrote, from `start` to `end`, as one line of JSON. What it writes is well
   * formed: other bytes are not for here.
   */
  write(message: Uint8Array, start: number, end: number): void {
    this.#reserve((end - start) * 6 + (fields.length + 1) * fieldBytesMax);
    this.#bytes.set(opening, this.#at);
    this.#at += opening.length;
    const line = this.#at;
    this.#from = start;
    while (this.#from < end) this.#field(message);
    if (this.#at === line) this.#at += 1;
    // the comma in front of the first key
    this.#bytes[line] = 0x7b;
    this.#bytes.set(closing, this.#at);
    this.#at += closing.length;
  }

  /** The lines since the last time; they are overwritten by the next write. */
  take(): Uint8Array {
    const lines = this.#bytes.subarray(0, this.#at);
    this.#at = 0;
    return lines;
  }

  #field(message: Uint8Array): void {
    this.#readVarint(message);
    const number = this.#low >>> 3;
    const isString = (this.#low & 7) === 2;
    this.#readVarint(message);
    const key = keys[number];
    if (key === undefined) throw new Error(`FlowEvent has no field ${number} here`);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < key.length; i += 1) bytes[at++] = key[i] as number;
    this.#at = at;
    if (isString) this.#string(message, this.#low);
    else this.#number();
    if (quoted[number]) this.#bytes[this.#at++] = quote;
  }

  #readVarint(message: Uint8Array): void {
    let low = 0;
    let high = 0;
    let shift = 0;
    for (;;) {
      const byte = message[this.#from++] as number;
      const bits = byte & 127;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 128) break;
      shift += 7;
    }
    this.#low = low >>> 0;
    this.#high = high >>> 0;
  }

  /** Decimal digits of the 64-bit value, divided by 10^8 in steps that a double holds exactly. */
  #number(): void {
    const high = Math.floor(this.#high / 1e8);
    const middle = (this.#high - high * 1e8) * 65536 + (this.#low >>> 16);
    const middleQuotient = Math.floor(middle / 1e8);
    const low = (middle - middleQuotient * 1e8) * 65536 + (this.#low & 0xffff);
    const lowQuotient = Math.floor(low / 1e8);
    const rest = (low - lowQuotient * 1e8) | 0;
    // at most 12 digits
    const quotient = high * 4294967296 + middleQuotient * 65536 + lowQuotient;
    if (quotient === 0) {
      this.#leadingDigits(rest);
      return;
    }
    const first = Math.floor(quotient / 1e8);
    const second = (quotient - first * 1e8) | 0;
    if (first > 0) {
      this.#leadingDigits(first | 0);
      this.#eightDigits(second);
    } else {
      this.#leadingDigits(second);
    }
    this.#eightDigits(rest);
  }

  /** A number below 10^8 without leading zeros. */
  #leadingDigits(value: number): void {
    const upper = (value / 10_000) | 0;
    if (upper === 0) {
      this.#digits(value, value < 10 ? 3 : value < 100 ? 2 : value < 1000 ? 1 : 0);
      return;
    }
    this.#digits(upper, upper < 10 ? 3 : upper < 100 ? 2 : upper < 1000 ? 1 : 0);
    this.#digits(value - upper * 10_000, 0);
  }

  #eightDigits(value: number): void {
    const upper = (value / 10_000) | 0;
    this.#digits(upper, 0);
    this.#digits(value - upper * 10_000, 0);
  }

  /** A number below 10^4 as four digits, of which the first few are left out. */
  #digits(value: number, skipped: number): void {
    for (let i = skipped; i < 4; i += 1) this.#bytes[this.#at++] = this.#fourDigits[value * 4 + i] as number;
  }

  #string(message: Uint8Array, length: number): void {
    const end = this.#from + length;
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = this.#from; i < end; i += 1) {
      const byte = message[i] as number;
      if (byte >= 0x20 && byte !== quote && byte !== 0x5c) {
        bytes[at++] = byte;
      } else {
        bytes.set(encoder.encode(`\\u${byte.toString(16).padStart(4, "0")}`), at);
        at += 6;
      }
    }
    this.#at = at;
    this.#from = end;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const longer = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + bytes));
    longer.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = longer;
  }
}
