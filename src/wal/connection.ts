import { constants, Database, type SQLQueryBindings, type Statement } from "bun:sqlite";

const flagsAlways = constants.SQLITE_OPEN_NOFOLLOW | constants.SQLITE_OPEN_EXRESCODE;

/**
 * A connection to a file. Closing it finalizes its statements, without which SQLite would keep the file and its locks
 * until they are collected as garbage. Errors are SQLite's own; `logError` turns them into ours.
 */
export class Connection {
  readonly #db: Database;
  readonly #statements: { finalize(): void }[] = [];

  private constructor(path: string, flags: number) {
    this.#db = new Database(path, flags | flagsAlways);
  }

  /** For writing; the file is made if it is not there. SQLite refuses symbolic links. */
  static writable(path: string): Connection {
    return new Connection(path, constants.SQLITE_OPEN_READWRITE | constants.SQLITE_OPEN_CREATE);
  }

  /** For reading alone: nothing in the file can be changed through it. */
  static readable(path: string): Connection {
    const connection = new Connection(path, constants.SQLITE_OPEN_READONLY);
    connection.run("PRAGMA trusted_schema = OFF");
    connection.run("PRAGMA busy_timeout = 2000");
    return connection;
  }

  /** As `readable`, on a medium that takes no writes, where SQLite cannot make its index beside the file. */
  static immutable(path: string): Connection {
    const uri = `file:${encodeURIComponent(path).replaceAll("%2F", "/")}?immutable=1`;
    const connection = new Connection(uri, constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI);
    connection.run("PRAGMA trusted_schema = OFF");
    return connection;
  }

  /** In memory. */
  static memory(): Connection {
    return new Connection(":memory:", constants.SQLITE_OPEN_READWRITE | constants.SQLITE_OPEN_MEMORY);
  }

  get inTransaction(): boolean {
    return this.#db.inTransaction;
  }

  /** A statement that lives as long as the connection. With `int64` every integer comes as bigint, also large ones. */
  prepare<Row, Params extends SQLQueryBindings[] = []>(
    sql: string,
    options?: { int64?: boolean },
  ): Statement<Row, Params> {
    const statement = this.#db.prepare(sql) as unknown as Statement<Row, Params>;
    if (options?.int64) statement.safeIntegers(true);
    this.#statements.push(statement);
    return statement;
  }

  /** Runs statements once. */
  run(sql: string): void {
    this.#db.run(sql);
  }

  /** All rows of a statement that is used once. */
  all<Row>(sql: string, ...params: SQLQueryBindings[]): Row[] {
    const statement = this.#db.prepare<Row, SQLQueryBindings[]>(sql);
    try {
      return statement.all(...params);
    } finally {
      statement.finalize();
    }
  }

  /** As `all`, with every integer as bigint. */
  allInt64<Row>(sql: string, ...params: SQLQueryBindings[]): Row[] {
    const statement = this.#db.prepare<Row, SQLQueryBindings[]>(sql);
    try {
      statement.safeIntegers(true);
      return statement.all(...params);
    } finally {
      statement.finalize();
    }
  }

  /** The first column of the first row of a statement that is used once. */
  scalar<Value>(sql: string, ...params: SQLQueryBindings[]): Value {
    const statement = this.#db.prepare<unknown, SQLQueryBindings[]>(sql);
    try {
      return statement.values(...params)[0]?.[0] as Value;
    } finally {
      statement.finalize();
    }
  }

  /** Runs the work in one transaction that nobody else writes beside; rolls back where it throws. */
  transact<Result>(work: () => Result): Result {
    this.run("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.run("COMMIT");
      return result;
    } catch (caught) {
      this.rollback();
      throw caught;
    }
  }

  /** Ends a transaction that SQLite has not ended by itself already. */
  rollback(): void {
    if (this.#db.inTransaction) this.#db.run("ROLLBACK");
  }

  close(): void {
    for (const statement of this.#statements) statement.finalize();
    this.#statements.length = 0;
    this.#db.close(true);
  }
}
