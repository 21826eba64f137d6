import { readdirSync } from "node:fs";

/** The names in a folder of the kernel, in order; none where it is missing or may not be read. */
export function folderNames(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}
