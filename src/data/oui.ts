import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import tablePath from "./oui-table.txt" with { type: "file" };

interface PrefixTable {
  readonly bits: number;
  /** Sorted. */
  readonly prefixes: Float64Array;
  readonly names: Uint16Array;
}

interface OuiTables {
  /** The longest prefix first. */
  readonly tables: readonly PrefixTable[];
  readonly names: readonly string[];
}

/** Bits of a prefix in the registries MA-L, MA-M and MA-S of the IEEE. */
const prefixBits = [24, 28, 36] as const;

let opened: OuiTables | undefined;

function open(): OuiTables {
  const bytes = brotliDecompressSync(Buffer.from(readFileSync(tablePath, "latin1"), "base64"));
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at] as number;
      at += 1;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const tables = prefixBits.map((bits): PrefixTable => {
    const prefixes = new Float64Array(varint());
    let prefix = 0;
    for (let i = 0; i < prefixes.length; i += 1) {
      prefix += varint();
      prefixes[i] = prefix;
    }
    const names = new Uint16Array(prefixes.length);
    for (let i = 0; i < names.length; i += 1, at += 2) names[i] = bytes.readUInt16LE(at);
    return { bits, prefixes, names };
  });
  return { tables: tables.reverse(), names: bytes.toString("utf8", at).split("\n") };
}

function find(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const there = sorted[middle] as number;
    if (there === value) return middle;
    if (there < value) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/**
 * The organisation that a hardware address was assigned to (IEEE, registries MA-L, MA-M and MA-S, from oui-data 2.1.9),
 * by its longest prefix; undefined where there is none, as for random addresses. The table is read at the first call.
 */
export function hardwareVendor(address: string): string | undefined {
  const digits = address.replaceAll(/[:.-]/g, "");
  if (!/^[0-9a-fA-F]{12}$/.test(digits)) return undefined;
  opened ??= open();
  const whole = Number.parseInt(digits, 16);
  for (const { bits, prefixes, names } of opened.tables) {
    const index = find(prefixes, Math.floor(whole / 2 ** (48 - bits)));
    if (index >= 0) return opened.names[names[index] as number];
  }
  return undefined;
}
