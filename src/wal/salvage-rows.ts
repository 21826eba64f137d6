import { bytesEqual } from "../core/bytes.ts";
import { blake2b256 } from "../core/hashes.ts";
import type { Cell, CellValue } from "./page-cells.ts";

/** Tables whose rows can be told apart by their shape alone. */
export type SalvagedTable = "sources" | "groups" | "records" | "ranges" | "ledger";

/** A row to be put into a table again, in the order of its columns. */
export interface SalvagedRow {
  readonly table: SalvagedTable;
  readonly values: CellValue[];
}

type Shape = string;

// One letter a column: i integer, t text, b blob, n nothing (the row id), upper case: may be nothing too.
const shapes: readonly (readonly [SalvagedTable, Shape])[] = [
  ["sources", "nttib"],
  ["groups", "niiibbiiiiit"],
  ["records", "niiIiiiiiiTTTBBbb"],
  ["ranges", "iiiii"],
  ["ledger", "niibiibiiiiiii"],
];

const epochText = /^([0-9a-f]{16})?$/;
const digestColumn = 15;
const bytesColumn = 16;

function letterOf(value: CellValue): string {
  if (value === null) return "n";
  if (typeof value === "string") return "t";
  return value instanceof Uint8Array ? "b" : "i";
}

function fits(values: readonly CellValue[], shape: Shape): boolean {
  return (
    values.length === shape.length &&
    values.every((value, i) => {
      const letter = letterOf(value);
      const wanted = shape[i] as string;
      return (
        letter === wanted || letter.toUpperCase() === wanted || (letter === "n" && wanted !== wanted.toLowerCase())
      );
    })
  );
}

/**
 * What row of a log a cell is, or undefined. A record counts only with bytes that have its digest, which no other table
 * and no damage can imitate.
 */
export function recogniseRow({ rowId, values }: Cell): SalvagedRow | undefined {
  const table = shapes.find(
    ([name, shape]) => fits(values, shape) && (name === "ranges") === (rowId === undefined),
  )?.[0];
  if (!table) return undefined;
  if (table === "sources" && !epochText.test(String(values[2]))) return undefined;
  if (table === "records" && !hasItsDigest(values)) return undefined;
  return { table, values: rowId === undefined ? values : [rowId, ...values.slice(1)] };
}

function hasItsDigest(values: readonly CellValue[]): boolean {
  const bytes = values[bytesColumn] as Uint8Array;
  return bytesEqual(blake2b256(bytes), values[digestColumn] as Uint8Array);
}
