import type { Statement } from "bun:sqlite";
import { AmoskysError } from "../core/errors.ts";
import type { SourceHead } from "./append-batch.ts";
import type { Connection } from "./connection.ts";
import type { SourceKey } from "./record.ts";

interface HeadRow {
  readonly agent: string;
  readonly epoch: string;
  readonly highest: number;
  readonly lastSig: Uint8Array;
}

const selectHeads = "SELECT agent, epoch, highest, last_sig AS lastSig FROM sources";

/** Sources whose numbers are kept in memory; a log may hold any number of them. */
const keptMax = 4096;

// neither an agent's name nor an epoch can hold a line break
const keyOf = ({ agent, epoch }: SourceKey): string => `${epoch}\n${agent}`;

function toHead({ agent, epoch, highest, lastSig }: HeadRow): SourceHead {
  return { source: { agent, epoch }, highest, lastSig };
}

/** The sources of a log with their heads; records name them by number. */
export class SourceTable {
  readonly #connection: Connection;
  readonly #number: Statement<{ id: number }, [string, string]>;
  readonly #name: Statement<SourceKey, [number]>;
  readonly #head: Statement<HeadRow, [string, string]>;
  readonly #insert: Statement<unknown, [string, string]> | undefined;
  readonly #update: Statement<unknown, [number, Uint8Array, number]> | undefined;
  readonly #numbers = new Map<string, number>();
  readonly #names = new Map<number, SourceKey>();

  constructor(connection: Connection, mode: "read" | "write") {
    this.#connection = connection;
    const place = "WHERE agent = ? AND epoch = ?";
    this.#number = connection.prepare(`SELECT id FROM sources ${place}`);
    this.#name = connection.prepare("SELECT agent, epoch FROM sources WHERE id = ?");
    this.#head = connection.prepare(`${selectHeads} ${place}`);
    if (mode === "write") {
      this.#insert = connection.prepare("INSERT INTO sources (agent, epoch, highest, last_sig) VALUES (?, ?, 0, x'')");
      this.#update = connection.prepare("UPDATE sources SET highest = ?, last_sig = ? WHERE id = ?");
    }
  }

  /** Keeps nothing in memory any more: a transaction was rolled back. */
  forget(): void {
    this.#numbers.clear();
    this.#names.clear();
  }

  /** The number of a source, or undefined where the log has none of its records. */
  find(source: SourceKey): number | undefined {
    const kept = this.#numbers.get(keyOf(source));
    if (kept !== undefined) return kept;
    const id = this.#number.get(source.agent, source.epoch)?.id;
    if (id !== undefined) this.#keep(id, source);
    return id;
  }

  /** The number of a source, which is made if it is new. */
  ensure(source: SourceKey): number {
    const known = this.find(source);
    if (known !== undefined) return known;
    if (!this.#insert) throw new AmoskysError("internal", "a log that is only read takes no source");
    const id = Number(this.#insert.run(source.agent, source.epoch).lastInsertRowid);
    this.#keep(id, source);
    return id;
  }

  setHead({ source, highest, lastSig }: SourceHead): void {
    this.#update?.run(highest, lastSig, this.ensure(source));
  }

  /** Names a source by its number. Throws `log_corrupt` where there is none. */
  readonly nameOf = (id: number): SourceKey => {
    const kept = this.#names.get(id);
    if (kept) return kept;
    const source = this.#name.get(id);
    if (!source) throw new AmoskysError("log_corrupt", `source ${id} of a record is not in the log`);
    return this.#keep(id, source);
  };

  /** How far a source has come; undefined where the log has none of its records. */
  head({ agent, epoch }: SourceKey): SourceHead | undefined {
    const row = this.#head.get(agent, epoch);
    return row ? toHead(row) : undefined;
  }

  /** Every source with its head, in the order in which they came. */
  heads(): SourceHead[] {
    return this.#connection.all<HeadRow>(`${selectHeads} ORDER BY id`).map(toHead);
  }

  #keep(id: number, { agent, epoch }: SourceKey): SourceKey {
    if (this.#names.size >= keptMax) this.forget();
    const source = { agent, epoch };
    this.#numbers.set(keyOf(source), id);
    this.#names.set(id, source);
    return source;
  }
}
