import type { Statement } from "bun:sqlite";
import type { Connection } from "./connection.ts";

/** Small facts that belong to the log, by name. */
export class MetaTable {
  readonly #get: Statement<{ value: string }, [string]>;
  readonly #all: Statement<{ key: string; value: string }, []>;
  readonly #set: Statement<unknown, [string, string]>;

  constructor(connection: Connection) {
    this.#get = connection.prepare("SELECT value FROM meta WHERE key = ?");
    this.#all = connection.prepare("SELECT key, value FROM meta");
    this.#set = connection.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)");
  }

  get(key: string): string | undefined {
    return this.#get.get(key)?.value;
  }

  all(): Record<string, string> {
    return Object.fromEntries(this.#all.all().map(({ key, value }) => [key, value]));
  }

  set(key: string, value: string): void {
    this.#set.run(key, value);
  }
}
