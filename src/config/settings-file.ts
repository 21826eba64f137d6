import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { AmoskysError } from "../core/errors.ts";

/** Many times what every setting with its comments takes. */
const fileBytesMax = 1 << 20;

/**
 * The text of a plain file; a pipe in its place is not waited for. Throws `config_invalid`, and what the system says.
 */
export function readSettingsFile(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    const why = !stat.isFile() ? "is not a plain file" : `has more than ${fileBytesMax} bytes`;
    if (stat.isFile() && stat.size <= fileBytesMax) return readFileSync(fd, "utf8");
    throw new AmoskysError("config_invalid", `The configuration ${path} ${why}`, { hint: `ls -ld ${path}` });
  } finally {
    closeSync(fd);
  }
}
