/**
 * Writes src/data/oui-table.txt from the package oui-data: `bun bench/generate-oui.ts`. Three sorted tables (prefixes
 * of
 * 24, 28 and 36 bits), each a count, prefixes as LEB128 steps and names as 16-bit indexes; then the names. Brotli in
 * base64. Assignments to the registry itself, whose parts are in the longer tables, are left out.
 */
import { brotliCompressSync, constants } from "node:zlib";
import assignments from "oui-data";

const registry = "IEEE Registration Authority";
const nameCharsMax = 80;

const named = Object.entries(assignments)
  .map(([prefix, text]) => [prefix, (text.split("\n")[0] ?? "").trim().slice(0, nameCharsMax)] as const)
  .filter(([, name]) => name !== "" && name !== registry);
const names = [...new Set(named.map(([, name]) => name))].sort();
const indexes = new Map(names.map((name, index) => [name, index]));
if (names.length > 65_536) throw new Error(`${names.length} names do not fit into 16 bits`);

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

const bytes: number[] = [];
for (const digits of [6, 7, 9]) {
  const rows = named
    .filter(([prefix]) => prefix.length === digits)
    .map(([prefix, name]) => [Number.parseInt(prefix, 16), indexes.get(name) as number] as const)
    .sort((a, b) => a[0] - b[0]);
  bytes.push(...varint(rows.length));
  let before = 0;
  for (const [prefix] of rows) {
    bytes.push(...varint(prefix - before));
    before = prefix;
  }
  for (const [, index] of rows) bytes.push(index & 0xff, index >> 8);
}
const table = Buffer.concat([Buffer.from(bytes), Buffer.from(names.join("\n"), "utf8")]);
const packed = brotliCompressSync(table, {
  params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 },
}).toString("base64");
await Bun.write("src/data/oui-table.txt", `${packed.replace(/.{120}/g, "$&\n")}\n`);
process.stdout.write(
  `${named.length} prefixes, ${names.length} names, ${table.length} bytes, ${packed.length} packed\n`,
);
