import { declaredLength, prefixBytes } from "./grpc-frame.ts";

/** What a peer sent cannot be read as messages. */
export class BrokenMessage extends Error {}

/**
 * Cuts the body of an answer into its messages. Throws a BrokenMessage on a message over the limit or a compressed
 * one.
 */
export class MessageSplitter {
  readonly #bytesMax: number;
  #rest: Uint8Array = new Uint8Array();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Whether bytes of a message are there that did not become whole. */
  get partial(): boolean {
    return this.#rest.length > 0;
  }

  /** The messages that are whole with this chunk: views into it or into what was held. */
  push(chunk: Uint8Array): Uint8Array[] {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const messages: Uint8Array[] = [];
    while (bytes.length >= prefixBytes) {
      const length = declaredLength(bytes);
      if (length > this.#bytesMax) throw new BrokenMessage(`a message of ${length} bytes is larger than is taken`);
      if (bytes[0] !== 0) throw new BrokenMessage("a message is compressed, although that was not offered");
      if (bytes.length < prefixBytes + length) break;
      messages.push(bytes.subarray(prefixBytes, prefixBytes + length));
      bytes = bytes.subarray(prefixBytes + length);
    }
    this.#rest = bytes;
    return messages;
  }
}
