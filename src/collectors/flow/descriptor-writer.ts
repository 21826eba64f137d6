import { writeSync } from "node:fs";
import { errnoOf } from "../../core/errors.ts";
import { outputError } from "../../core/system-error.ts";

/**
 * Writes all of it to a file descriptor, also into a pipe that is full for a while. Throws `output_closed`
 * where the reader has gone, `output_failed` where it cannot be written.
 */
export async function writeToDescriptor(fd: number, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (caught) {
      if (errnoOf(caught) !== "EAGAIN") throw outputError(caught);
      await Bun.sleep(1);
    }
  }
}
