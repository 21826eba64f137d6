import type { Statement } from "bun:sqlite";
import { AmoskysError } from "../core/errors.ts";
import type { SourceHead } from "./append-batch.ts";
import type { Connection } from "./connection.ts";
import type { SourceKey } from "./record.ts";

interface SourceRow {
  readonly id: number;
  readonly agent: string;
  readonly epoch: string;
  readonly highest: number;
  readonly last_sig: Uint8Array;
}

interface Source extends SourceHead {
  readonly id: number;
}

// neither an agent's name nor an epoch can hold a line break
const keyOf = ({ agent, epoch }: SourceKey): string => `${epoch}\n${agent}`;

/** The sources of a log with their heads, in memory; records name them by number. */
export class SourceTable {
  readonly #all: Statement<SourceRow, []>;
  readonly #insert: Statement<unknown, [number, string, string]> | undefined;
  readonly #update: Statement<unknown, [number, Uint8Array, number]> | undefined;
  readonly #byKey = new Map<string, Source>();
  readonly #byId = new Map<number, Source>();
  #highestId = 0;

  constructor(connection: Connection, mode: "read" | "write") {
    this.#all = connection.prepare("SELECT id, agent, epoch, highest, last_sig FROM sources ORDER BY id");
    if (mode === "write") {
      this.#insert = connection.prepare(
        "INSERT INTO sources (id, agent, epoch, highest, last_sig) VALUES (?, ?, ?, 0, x'')",
      );
      this.#update = connection.prepare("UPDATE sources SET highest = ?, last_sig = ? WHERE id = ?");
    }
    this.load();
  }

  /** Reads the table again: after a rollback, and for readers. */
  load(): void {
    this.#byKey.clear();
    this.#byId.clear();
    this.#highestId = 0;
    for (const { id, agent, epoch, highest, last_sig } of this.#all.all()) {
      this.#keep({ id, source: { agent, epoch }, highest, lastSig: last_sig });
    }
  }

  /** The number of a source, or undefined where the log has none of its records. */
  find(key: SourceKey): number | undefined {
    return this.#byKey.get(keyOf(key))?.id;
  }

  /** The number of a source, which is made if it is new. */
  ensure(key: SourceKey): number {
    const known = this.find(key);
    if (known !== undefined) return known;
    const id = this.#highestId + 1;
    this.#insert?.run(id, key.agent, key.epoch);
    this.#keep({ id, source: { agent: key.agent, epoch: key.epoch }, highest: 0, lastSig: new Uint8Array() });
    return id;
  }

  setHead({ source, highest, lastSig }: SourceHead): void {
    const id = this.ensure(source);
    this.#update?.run(highest, lastSig, id);
    this.#keep({ id, source: { agent: source.agent, epoch: source.epoch }, highest, lastSig: lastSig.slice() });
  }

  /** Names a source by its number; a reader that meets a new one reads the table again. */
  readonly nameOf = (id: number): SourceKey => {
    const known = this.#byId.get(id);
    if (known) return known.source;
    this.load();
    const found = this.#byId.get(id);
    if (!found) throw new AmoskysError("log_corrupt", `source ${id} of a record is not in the log`);
    return found.source;
  };

  /** The numbers of all sources. */
  numbers(): number[] {
    return [...this.#byId.keys()];
  }

  heads(): SourceHead[] {
    return [...this.#byId.values()].map(({ source, highest, lastSig }) => ({ source, highest, lastSig }));
  }

  #keep(source: Source): void {
    this.#byKey.set(keyOf(source.source), source);
    this.#byId.set(source.id, source);
    this.#highestId = Math.max(this.#highestId, source.id);
  }
}
