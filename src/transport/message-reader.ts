import { gunzip } from "node:zlib";
import { declaredLength, prefixBytes } from "./grpc-frame.ts";
import { CallRefusal } from "./grpc-status.ts";
import type { Turns } from "./turns.ts";

/** Encodings of `grpc-encoding` that are read. */
export type MessageEncoding = "identity" | "gzip";

const firstBufferBytes = 64 * 1024;

/**
 * Reads the body of a call that has exactly one message. It holds no more than what was received, whatever length is
 * declared, and nothing of a message over the limit. Throws a CallRefusal; the statuses are those of the table in
 * grpc/grpc,
 * doc/statuscodes.md.
 */
export class MessageReader {
  readonly #bytesMax: number;
  readonly #prefix = new Uint8Array(prefixBytes);
  #prefixLength = 0;
  #declared = 0;
  #message: Uint8Array = new Uint8Array();
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Takes the next bytes of the body; answers how many of them are held now. */
  push(chunk: Uint8Array): number {
    const rest = this.#prefixLength < prefixBytes ? this.#readPrefix(chunk) : chunk;
    if (this.#prefixLength < prefixBytes || rest.length === 0) return 0;
    if (this.#length + rest.length > this.#declared) {
      throw new CallRefusal("UNIMPLEMENTED", "the call takes one message, but more was sent");
    }
    if (this.#length === 0 && rest.length === this.#declared) this.#message = rest;
    else this.#append(rest);
    this.#length += rest.length;
    return rest.length;
  }

  /** The message, once the body has ended. What is decompressed at once is bounded by the turns. */
  async end(encoding: MessageEncoding, decompressions: Turns): Promise<Uint8Array> {
    if (this.#prefixLength === 0)
      throw new CallRefusal("UNIMPLEMENTED", "the call takes one message, but none was sent");
    if (this.#prefixLength < prefixBytes || this.#length < this.#declared) {
      throw new CallRefusal("INTERNAL", "the message ends before its declared length");
    }
    const message = this.#message.subarray(0, this.#length);
    if (this.#prefix[0] === 0) return message;
    if (encoding === "identity")
      throw new CallRefusal("INTERNAL", "the message is compressed, but grpc-encoding is missing");
    const endTurn = await decompressions.take();
    return decompress(message, this.#bytesMax).finally(endTurn);
  }

  #readPrefix(chunk: Uint8Array): Uint8Array {
    const taken = Math.min(prefixBytes - this.#prefixLength, chunk.length);
    this.#prefix.set(chunk.subarray(0, taken), this.#prefixLength);
    this.#prefixLength += taken;
    if (this.#prefixLength === prefixBytes) {
      this.#declared = declaredLength(this.#prefix);
      if ((this.#prefix[0] as number) > 1)
        throw new CallRefusal("INTERNAL", "the message's compressed flag is neither 0 nor 1");
      if (this.#declared > this.#bytesMax) throw tooLarge(this.#bytesMax);
    }
    return chunk.subarray(taken);
  }

  #append(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#message.length) {
      const size = Math.min(this.#declared, Math.max(needed, 2 * this.#message.length, firstBufferBytes));
      const grown = new Uint8Array(size);
      grown.set(this.#message.subarray(0, this.#length));
      this.#message = grown;
    }
    this.#message.set(bytes, this.#length);
  }
}

function tooLarge(bytesMax: number): CallRefusal {
  return new CallRefusal("RESOURCE_EXHAUSTED", `the message is larger than ${bytesMax} bytes`);
}

function decompress(bytes: Uint8Array, maxOutputLength: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    gunzip(bytes, { maxOutputLength }, (error, plain) => {
      if (!error) resolve(plain);
      else if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") reject(tooLarge(maxOutputLength));
      else reject(new CallRefusal("INTERNAL", "the message cannot be decompressed"));
    });
  });
}
