import { AmoskysError } from "../../core/errors.ts";
import type { DeviceBudget } from "./reading-budget.ts";
import { isTooBig, type SnmpSession } from "./session.ts";
import { bytesOf, compareOids, type SnmpValue, type Varbind } from "./values.ts";

export interface WalkOptions {
  /** Rows asked for in one packet. */
  readonly repetitions: number;
  /** Rows after which a column is cut. */
  readonly rowsMax: number;
  readonly budget: DeviceBudget;
}

/** Columns of tables by OID; each a map from the row's index to the value. */
export interface WalkedColumns {
  readonly columns: ReadonlyMap<string, ReadonlyMap<string, SnmpValue>>;
  /** A column had more rows than were read. */
  readonly isCut: boolean;
  /** The first failure; what was read before it, and in other columns, is kept. */
  readonly failure: AmoskysError | undefined;
}

/** Columns in one packet: with ten repetitions the answer stays about as small as an Ethernet frame. */
const columnsPerPacket = 5;

/** How far a column was read. */
class ColumnWalk {
  readonly column: string;
  readonly cells = new Map<string, SnmpValue>();
  last: string;
  isDone = false;
  isCut = false;
  readonly #prefix: string;

  constructor(column: string) {
    this.column = column;
    this.last = column;
    this.#prefix = `${column}.`;
  }

  /** Takes what followed; throws where the agent does not go forward, or has too much. */
  take(varbinds: readonly Varbind[], { rowsMax, budget }: WalkOptions): void {
    for (const { oid, value, isEnd } of varbinds) {
      if (isEnd) {
        this.isDone = true;
        return;
      }
      const isInside = oid.startsWith(this.#prefix);
      // within the column only the indexes can differ
      const from = isInside && this.cells.size > 0 ? this.#prefix.length : 0;
      if (compareOids(oid, this.last, from) <= 0) {
        const message = `OIDs do not increase: ${oid} came after ${this.last}, in a walk of ${this.column}`;
        throw new AmoskysError("answer_invalid", message, { details: { oid: this.column } });
      }
      this.isCut = isInside && this.cells.size === rowsMax;
      if (!isInside || this.isCut) {
        this.isDone = true;
        return;
      }
      budget.take(oid.length + bytesOf(value));
      this.last = oid;
      this.cells.set(oid.slice(this.#prefix.length), value);
    }
  }
}

/**
 * Reads columns of tables with GETBULK, several in one packet. Every packet brings a column forward or ends the walk,
 * no column has more than `rowsMax` rows: no agent can keep it going. What an agent finds too big is asked for in
 * smaller pieces.
 */
export async function walkColumns(
  session: SnmpSession,
  columns: readonly string[],
  options: WalkOptions,
): Promise<WalkedColumns> {
  const groups: ColumnWalk[][] = [];
  for (let i = 0; i < columns.length; i += columnsPerPacket) {
    groups.push(columns.slice(i, i + columnsPerPacket).map((column) => new ColumnWalk(column)));
  }
  const ends = await Promise.allSettled(groups.map((group) => walkGroup(session, group, options)));
  const failed = ends.find((end) => end.status === "rejected");
  const walks = groups.flat();
  return {
    columns: new Map(walks.map(({ column, cells }) => [column, cells])),
    isCut: walks.some(({ isCut }) => isCut),
    failure: failed && AmoskysError.from(failed.reason),
  };
}

async function walkGroup(session: SnmpSession, group: readonly ColumnWalk[], options: WalkOptions): Promise<void> {
  let { repetitions } = options;
  let width = group.length;
  for (;;) {
    const asked = group.filter(({ isDone }) => !isDone).slice(0, width);
    if (asked.length === 0) return;
    let found: Varbind[][];
    try {
      found = await session.getBulk(
        asked.map(({ last }) => last),
        repetitions,
      );
    } catch (caught) {
      if (!isTooBig(caught) || (repetitions === 1 && width === 1)) throw caught;
      if (repetitions > 1) repetitions = Math.ceil(repetitions / 2);
      else width = Math.ceil(width / 2);
      continue;
    }
    if (!found.some((varbinds) => varbinds.length > 0)) {
      const column = asked[0]?.column;
      throw new AmoskysError("answer_invalid", `An empty answer in a walk of ${column}`, { details: { oid: column } });
    }
    asked.forEach((walk, i) => {
      walk.take(found[i] ?? [], options);
    });
  }
}
