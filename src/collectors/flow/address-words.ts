import { isIPv4, isIPv6 } from "node:net";

/** An address as signed words in network order: one for IPv4 (also for IPv4 mapped into IPv6), four for IPv6. */
export function addressWords(text: string): readonly number[] | undefined {
  if (isIPv4(text)) return [ipv4Word(text)];
  const address = text.split("%")[0] as string;
  if (!isIPv6(address)) return undefined;
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const plain = dotted ? `${dotted[1]}${hexGroups(ipv4Word(dotted[2] as string))}` : address;
  const [head = "", tail] = plain.split("::");
  const before = groupsOf(head);
  const after = groupsOf(tail ?? "");
  const groups = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
  const words = [0, 2, 4, 6].map((i) => ((groups[i] as number) << 16) | (groups[i + 1] as number));
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff ? words.slice(3) : words;
}

function groupsOf(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}

function hexGroups(word: number): string {
  return `${(word >>> 16).toString(16)}:${(word & 0xffff).toString(16)}`;
}

function ipv4Word(text: string): number {
  return text.split(".").reduce((word, part) => (word << 8) | Number(part), 0);
}
