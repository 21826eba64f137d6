/** A sum of bytes that is not to grow beyond its limit; a part of a larger one where it has a parent. */
export class ByteBudget {
  readonly #limit: number;
  readonly #parent: ByteBudget | undefined;
  #used = 0;

  constructor(limit: number, parent?: ByteBudget) {
    this.#limit = limit;
    this.#parent = parent;
  }

  get used(): number {
    return this.#used;
  }

  /** Takes bytes if there is room for them, here and in the parent. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.#limit) return false;
    if (this.#parent && !this.#parent.take(bytes)) return false;
    this.#used += bytes;
    return true;
  }

  /** Gives back what was taken. */
  release(bytes: number): void {
    this.#used -= bytes;
    this.#parent?.release(bytes);
  }
}
