/** Times of a pcapng interface: 64-bit counts of some fraction of a second, with an offset in seconds. */
export class TickClock {
  sec = 0;
  nsec = 0;
  readonly #ticksPerSec: bigint;
  readonly #offsetSec: number;
  /** Nanoseconds of a tick where ticks are a power of ten down to a nanosecond, else 0. */
  readonly #nsecPerTick: number;

  /** `resolution` is the option if_tsresol: a negative power of 10, or of 2 where its highest bit is set. */
  constructor(resolution: number, offsetSec: number) {
    const exponent = BigInt(resolution & 0x7f);
    this.#ticksPerSec = (resolution & 0x80) === 0 ? 10n ** exponent : 2n ** exponent;
    this.#nsecPerTick = (resolution & 0x80) === 0 && exponent <= 9n ? 10 ** (9 - Number(exponent)) : 0;
    this.#offsetSec = offsetSec;
  }

  /** Puts the time of a count, given as two unsigned halves, into `sec` and `nsec`; within 32 bits of seconds. */
  take(high: number, low: number): void {
    if (this.#nsecPerTick > 0) this.#divide(high, low);
    else this.#divideExactly(high, low);
    const sec = this.sec + this.#offsetSec;
    this.sec = Math.max(0, Math.min(sec, 0xffffffff));
  }

  /** Long division by at most 10^9 in 16-bit digits: every remainder fits a double. */
  #divide(high: number, low: number): void {
    const divisor = 1e9 / this.#nsecPerTick;
    const top = high % divisor;
    const upper = top * 65536 + (low >>> 16);
    const rest = upper % divisor;
    const lower = rest * 65536 + (low & 0xffff);
    this.sec =
      Math.floor(high / divisor) * 4294967296 + Math.floor(upper / divisor) * 65536 + Math.floor(lower / divisor);
    this.nsec = (lower % divisor) * this.#nsecPerTick;
  }

  #divideExactly(high: number, low: number): void {
    const ticks = (BigInt(high) << 32n) | BigInt(low >>> 0);
    this.sec = Number(ticks / this.#ticksPerSec);
    this.nsec = Number(((ticks % this.#ticksPerSec) * 1_000_000_000n) / this.#ticksPerSec);
  }
}
