import { formatYaml, parseYaml } from "../config/index.ts";
import { AmoskysError } from "../core/errors.ts";
import { parseTrustDocument, type TrustDeclaration } from "./trust-document.ts";
import type { Validity } from "./trust-map.ts";

/** An entry as it stands in the file, to be written as YAML. */
export type TrustText = Readonly<Record<string, unknown>>;

/** An entry of the trust map as the file would say it. */
export function trustTextOf(entry: TrustDeclaration): TrustText {
  const [only, ...more] = entry.keys;
  const short = only && more.length === 0 && Object.keys(validityText(only)).length === 0;
  return {
    ...(short ? { public_key_path: only.path } : {}),
    ...(only && !short ? { keys: entry.keys.map((key) => ({ public_key_path: key.path, ...validityText(key) })) } : {}),
    permissions: [...entry.permissions],
    ...(entry.rateLimit === undefined ? {} : { rate_limit: entry.rateLimit }),
    ...(entry.legacy === undefined ? {} : { legacy: entry.legacy }),
    ...validityText(entry),
  };
}

function validityText({ notBeforeMs, notAfterMs, revokedAtMs }: Validity): Record<string, string> {
  const times = { not_before: notBeforeMs, not_after: notAfterMs, revoked_at: revokedAtMs };
  const said = Object.entries(times).filter((time): time is [string, number] => time[1] !== undefined);
  return Object.fromEntries(said.map(([name, ms]) => [name, new Date(ms).toISOString()]));
}

type Agents = Readonly<Record<string, unknown>>;

const newHeader = "# Who may talk to the bus. Edit it by hand, or with: amoskys trust\n";
const rewrittenHeader = "# Written by amoskys trust, which could not keep the comments of before.\n";

interface Block {
  readonly lines: string[];
  /** Index of the line `agents:`. */
  readonly head: number;
  /** Index behind the last line that belongs to it. */
  readonly end: number;
  readonly indent: number;
}

const indentOf = (line: string): number => line.length - line.trimStart().length;
const isBare = (line: string): boolean => line.trim() === "" || line.trimStart().startsWith("#");

/** The lines of a block `agents:` in block style, if that is how the text is written. */
function findBlock(text: string): Block | undefined {
  const lines = text.split("\n");
  const head = lines.findIndex((line) => /^agents:\s*(#.*)?$/.test(line));
  const first = lines.findIndex((line, index) => index > head && !isBare(line));
  if (head < 0 || first < 0) return undefined;
  const indent = indentOf(lines[first] as string);
  if (indent === 0) return undefined;
  let end = first + 1;
  for (let index = end; index < lines.length; index += 1) {
    const line = lines[index] as string;
    if (isBare(line)) continue;
    if (indentOf(line) === 0) break;
    end = index + 1;
  }
  return { lines, head, end, indent };
}

/** Whether a text says exactly what it should. */
function says(text: string, agents: Agents): boolean {
  try {
    return Bun.deepEquals(parseYaml(text, "the trust map"), { agents });
  } catch (caught) {
    if (caught instanceof AmoskysError) return false;
    throw caught;
  }
}

function agentsOf(text: string, file: string): Agents {
  parseTrustDocument(text, file);
  return (parseYaml(text, file) as { agents: Agents }).agents;
}

/** The edited text where it says what it should, else the whole document written anew. */
function settle(edited: string | undefined, agents: Agents): string {
  if (edited !== undefined && says(edited, agents)) return edited;
  return rewrittenHeader + formatYaml({ agents });
}

/** A new trust map with these entries. */
export function newTrustText(entries: Readonly<Record<string, TrustText>>): string {
  return newHeader + formatYaml({ agents: entries });
}

/**
 * The text of a trust map with further entries behind those it has, comments kept where the text is written in block
 * style. Names must be new. Throws `identity_invalid` where the text is no valid trust map.
 */
export function addToTrustText(text: string, file: string, entries: Readonly<Record<string, TrustText>>): string {
  const agents = { ...agentsOf(text, file), ...entries };
  const block = findBlock(text);
  if (!block) return settle(undefined, agents);
  const pad = " ".repeat(block.indent);
  const added = formatYaml(entries)
    .trimEnd()
    .split("\n")
    .map((line) => pad + line);
  return settle([...block.lines.slice(0, block.end), ...added, ...block.lines.slice(block.end)].join("\n"), agents);
}

/** The text of a trust map without one entry; as addToTrustText otherwise. */
export function removeFromTrustText(text: string, file: string, name: string): string {
  const { [name]: _removed, ...agents } = agentsOf(text, file);
  const block = findBlock(text);
  if (!block) return settle(undefined, agents);
  const { lines, indent, end } = block;
  const own = new RegExp(`^ {${indent}}(["']?)${name.replaceAll(".", "\\.")}\\1\\s*:`);
  const start = lines.findIndex((line, index) => index > block.head && index < end && own.test(line));
  let next = start + 1;
  while (next < end && (isBare(lines[next] as string) || indentOf(lines[next] as string) > indent)) next += 1;
  // comments above the next entry belong to that one
  while (next < end && next > start + 1 && isBare(lines[next - 1] as string)) next -= 1;
  return settle(start < 0 ? undefined : [...lines.slice(0, start), ...lines.slice(next)].join("\n"), agents);
}
