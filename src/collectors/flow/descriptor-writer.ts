import { writeSync } from "node:fs";
import { AmoskysError, errnoOf } from "../../core/errors.ts";

/**
 * Writes all of it to a file descriptor, also into a pipe that is full for a while. Throws `interrupted` where the
 * reader has gone.
 */
export async function writeToDescriptor(fd: number, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (caught) {
      if (errnoOf(caught) === "EPIPE") throw new AmoskysError("interrupted", "the reader of the output has gone");
      if (errnoOf(caught) !== "EAGAIN") throw caught;
      await Bun.sleep(1);
    }
  }
}
