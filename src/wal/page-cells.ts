import { pageBytes } from "./engine.ts";

// sqlite.org/fileformat2.html: section 1.6 (pages of a b-tree), 1.6.1 (payload and overflow), 2.1 (record format).
const tableLeaf = 13;
const indexLeaf = 10;
const indexInterior = 2;
const fileHeaderBytes = 100;

// Above these a length is taken for damage: an envelope has at most 128 KiB, a row of a log 17 columns.
const payloadBytesMax = 192 << 10;
const headerBytesMax = 200;

/** A value of a row: 64-bit integers are bigint where they take more than 4 bytes. */
export type CellValue = null | number | bigint | string | Uint8Array;

/** A row of a table, or an entry of an index or of a table without row ids. */
export interface Cell {
  readonly rowId: number | undefined;
  readonly values: CellValue[];
}

/** Gives a page by its number, or undefined where there is none. */
export type ReadPage = (page: number) => Uint8Array | undefined;

class Damaged extends Error {}

/** Reads along bytes; throws Damaged beyond their end. */
class ByteReader {
  readonly bytes: Uint8Array;
  at: number;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  take(length: number): Uint8Array {
    const end = this.at + length;
    if (length < 0 || end > this.bytes.length) throw new Damaged();
    const part = this.bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }

  uint16(): number {
    const at = this.at;
    this.take(2);
    return this.#view.getUint16(at);
  }

  uint32(): number {
    const at = this.at;
    this.take(4);
    return this.#view.getUint32(at);
  }

  /** A big-endian varint of up to nine bytes. */
  varint(): number {
    let value = 0n;
    for (let i = 0; i < 9; i += 1) {
      const byte = this.take(1)[0] as number;
      if (i === 8) return Number((value << 8n) | BigInt(byte));
      value = (value << 7n) | BigInt(byte & 0x7f);
      if (byte < 0x80) return Number(value);
    }
    return Number(value);
  }
}

/** The rows on one page, as far as they can be read; none where it is no page of rows. */
export function readCells(page: Uint8Array, number: number, readPage: ReadPage): Cell[] {
  const start = number === 1 ? fileHeaderBytes : 0;
  const type = page[start];
  if (type !== tableLeaf && type !== indexLeaf && type !== indexInterior) return [];
  const count = new ByteReader(page, start + 3).uint16();
  const pointers = new ByteReader(page, start + (type === indexInterior ? 12 : 8));
  const places = new Set<number>();
  for (let i = 0; i < count && pointers.at + 2 <= pageBytes; i += 1) places.add(pointers.uint16());
  const cells: Cell[] = [];
  for (const place of places) {
    try {
      cells.push(readCell(new ByteReader(page, place), type, readPage));
    } catch (caught) {
      if (!(caught instanceof Damaged)) throw caught;
    }
  }
  return cells;
}

function readCell(reader: ByteReader, type: number, readPage: ReadPage): Cell {
  if (type === indexInterior) reader.take(4);
  const length = reader.varint();
  const rowId = type === tableLeaf ? reader.varint() : undefined;
  if (length > payloadBytesMax) throw new Damaged();
  const local = reader.take(localBytes(length, type === tableLeaf));
  // the header lies in the cell itself: what does not add up is seen before a page is followed
  const { types, end } = readHeader(local, length);
  const payload = local.length === length ? local : followOverflow(local, length, reader.uint32(), readPage);
  const body = new ByteReader(payload, end);
  return { rowId, values: types.map((valueType) => readValue(body, valueType)) };
}

/** How much of a payload lies in its cell; the rest overflows onto pages of its own. */
function localBytes(length: number, inTable: boolean): number {
  const most = inTable ? pageBytes - 35 : Math.floor(((pageBytes - 12) * 64) / 255) - 23;
  if (length <= most) return length;
  const least = Math.floor(((pageBytes - 12) * 32) / 255) - 23;
  const wanted = least + ((length - least) % (pageBytes - 4));
  return wanted <= most ? wanted : least;
}

function followOverflow(local: Uint8Array, length: number, first: number, readPage: ReadPage): Uint8Array {
  const payload = new Uint8Array(length);
  payload.set(local);
  let next = first;
  for (let filled = local.length; filled < length; ) {
    const page = readPage(next);
    if (!page) throw new Damaged();
    const part = page.subarray(4, 4 + Math.min(length - filled, pageBytes - 4));
    payload.set(part, filled);
    filled += part.length;
    next = new ByteReader(page).uint32();
  }
  return payload;
}

/** The types of the values, which together with the header have to be as long as the payload. */
function readHeader(local: Uint8Array, length: number): { types: number[]; end: number } {
  const header = new ByteReader(local);
  const end = header.varint();
  if (end > headerBytesMax) throw new Damaged();
  const types: number[] = [];
  let total = end;
  while (header.at < end) {
    const type = header.varint();
    types.push(type);
    total += valueBytes(type);
  }
  if (total !== length || header.at !== end) throw new Damaged();
  return { types, end };
}

const integerBytes = [0, 1, 2, 3, 4, 6, 8];

/** Length of a value by its type. Reals (7) and the types that SQLite keeps for itself are in no log. */
function valueBytes(type: number): number {
  if (type === 8 || type === 9) return 0;
  if (type >= 12) return Math.floor((type - 12) / 2);
  const bytes = integerBytes[type];
  if (bytes === undefined) throw new Damaged();
  return bytes;
}

function readValue(body: ByteReader, type: number): CellValue {
  if (type === 0) return null;
  if (type === 8 || type === 9) return type - 8;
  const bytes = body.take(valueBytes(type));
  if (type <= 6) return signedInteger(bytes);
  return type % 2 === 0 ? bytes.slice() : Buffer.from(bytes).toString("utf8");
}

function signedInteger(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  const signed = BigInt.asIntN(bytes.length * 8, value);
  return bytes.length <= 4 ? Number(signed) : signed;
}
