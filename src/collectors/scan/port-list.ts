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

/** The shortest list of sorted port numbers, as `parsePorts` reads it; cut, with `...`, beyond `charsMax`. */
export function formatPorts(ports: readonly number[], charsMax: number): string {
  const parts: string[] = [];
  let chars = 0;
  for (let i = 0; i < ports.length && chars <= charsMax; ) {
    let end = i;
    while (ports[end + 1] === (ports[end] as number) + 1) end += 1;
    const part = end === i ? String(ports[i]) : `${ports[i]}-${ports[end]}`;
    chars += part.length + 1;
    parts.push(chars <= charsMax ? part : "...");
    i = end + 1;
  }
  return parts.join(",");
}
