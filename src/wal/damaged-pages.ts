import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { pageBytes } from "./engine.ts";
import { type Cell, readCells } from "./page-cells.ts";
import { readWalFrames } from "./wal-frames.ts";

const fileMagic = "SQLite format 3\0";
// sqlite.org/fileformat2.html, section 1.3: first trunk page of the free list
const freeListOffset = 32;

/**
 * Every row that lies on some page of a file, whether SQLite could still find it or not, with what the write-ahead file
 * beside it has later. Pages on the free list are left out, since they hold what was deleted.
 */
export function* readDamagedPages(path: string): Generator<Cell, void> {
  const file = openSync(path, "r");
  const wal = readWalFrames(`${path}-wal`);
  const walFile = wal.committed.length + wal.stranded.length > 0 ? openSync(`${path}-wal`, "r") : undefined;
  try {
    const pages = Math.floor(fstatSync(file).size / pageBytes);
    const later = new Map(wal.committed.map(({ page, offset }) => [page, offset]));
    const readPage = (page: number): Uint8Array | undefined => {
      const offset = later.get(page);
      if (offset !== undefined && walFile !== undefined) return readAt(walFile, offset);
      return page >= 1 && page <= pages ? readAt(file, (page - 1) * pageBytes) : undefined;
    };
    const free = freePages(readPage);
    // what was written last comes first: of two versions of a row the first one counts
    for (const { page, offset } of wal.stranded.toReversed()) {
      yield* readCells(readAt(walFile as number, offset), page, readPage);
    }
    const last = wal.committed.reduce((most, { page }) => Math.max(most, page), pages);
    for (let number = 1; number <= last; number += 1) {
      const page = free.has(number) ? undefined : readPage(number);
      if (page) yield* readCells(page, number, readPage);
    }
  } finally {
    closeSync(file);
    if (walFile !== undefined) closeSync(walFile);
  }
}

function readAt(fd: number, offset: number): Uint8Array {
  const page = new Uint8Array(pageBytes);
  readSync(fd, page, 0, pageBytes, offset);
  return page;
}

/** The pages on the free list, as far as it can be followed. */
function freePages(readPage: (page: number) => Uint8Array | undefined): Set<number> {
  const free = new Set<number>();
  const first = readPage(1);
  if (!first || Buffer.from(first.subarray(0, 16)).toString("latin1") !== fileMagic) return free;
  let trunk = new DataView(first.buffer).getUint32(freeListOffset);
  while (trunk > 0 && !free.has(trunk)) {
    free.add(trunk);
    const page = readPage(trunk);
    if (!page) break;
    const view = new DataView(page.buffer);
    const count = Math.min(view.getUint32(4), pageBytes / 4 - 2);
    for (let i = 0; i < count; i += 1) free.add(view.getUint32(8 + 4 * i));
    trunk = view.getUint32(0);
  }
  return free;
}
