import { AmoskysError } from "../../core/errors.ts";

/** Reads `22` and `8000-8100` into sorted port numbers, each once. Throws `usage` for anything else. */
export function parsePorts(items: readonly (string | number)[]): number[] {
  const ports = new Set<number>();
  for (const item of items) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(String(item));
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!match || first < 1 || last > 65_535 || first > last) {
      throw new AmoskysError("usage", `"${item}" is no port; write 22, or 8000-8100`);
    }
    for (let port = first; port <= last; port += 1) ports.add(port);
  }
  return [...ports].sort((a, b) => a - b);
}
