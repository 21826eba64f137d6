/** One mount of /proc/PID/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount {
  /** `MAJOR:MINOR` of the device. */
  readonly device: string;
  /** What of the file system is mounted: `/`, or a folder of it for a bind mount. */
  readonly root: string;
  readonly mountPoint: string;
  readonly type: string;
  /** A device file, `host:/path`, or a word. */
  readonly source: string;
  readonly isReadOnly: boolean;
}

/** Blanks, tabs, newlines and backslashes are written as octal numbers there. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Parses a mountinfo; lines that are none are left out. */
export function parseMountInfo(text: string): Mount[] {
  const found: Mount[] = [];
  for (const line of text.split("\n")) {
    const separator = line.indexOf(" - ");
    if (separator < 0) continue;
    const [, , device = "", root = "", mountPoint = "", options = ""] = line.slice(0, separator).split(" ");
    const [type = "", source = "", superOptions = ""] = line.slice(separator + 3).split(" ");
    if (mountPoint === "" || type === "") continue;
    const isReadOnly = [options, superOptions].some((list) => list.split(",").includes("ro"));
    found.push({
      device,
      root: unescapeOctal(root),
      mountPoint: unescapeOctal(mountPoint),
      type,
      source: unescapeOctal(source),
      isReadOnly,
    });
  }
  return found;
}
