import { type Clock, systemClock } from "../core/clock.ts";
import { type Observer, silentObserver } from "../core/observer.ts";
import { Appender } from "./appender.ts";
import { Ballast } from "./ballast.ts";
import { Checkpointer } from "./checkpointer.ts";
import { CommitGate } from "./commit-gate.ts";
import type { Connection } from "./connection.ts";
import { DiskRoom } from "./disk-room.ts";
import { FilePlace } from "./file-place.ts";
import { GroupTable } from "./group-table.ts";
import { Ledger } from "./ledger.ts";
import type { LogRecovery, OpenLogOptions } from "./log-options.ts";
import { MetaTable } from "./meta-table.ts";
import { Pruner } from "./pruner.ts";
import { RangeReader } from "./range-reader.ts";
import { RangeTable } from "./range-table.ts";
import { RecordRemover } from "./record-remover.ts";
import { Settler } from "./settler.ts";
import { SourceTable } from "./source-table.ts";
import type { WriterLock } from "./writer-lock.ts";

const mebibyte = 1 << 20;

/** The options with their defaults. */
export interface LogSettings {
  readonly path: string;
  readonly role: "agent" | "bus";
  readonly budgetBytes: number;
  readonly checkpointBytes: number;
  readonly walBytesMax: number;
  readonly idleMs: number;
  readonly ballastBytes: number;
  readonly observer: Observer;
  readonly clock: Clock;
}

/** Fills in the defaults. */
export function logSettings(options: OpenLogOptions): LogSettings {
  const { path, role, budgetBytes, checkpointBytes = 4 * mebibyte } = options;
  return {
    path,
    role,
    budgetBytes,
    checkpointBytes,
    // what a checkpoint may have to add to the database, and what is written meanwhile
    ballastBytes: 2 * checkpointBytes,
    walBytesMax: options.walBytesMax ?? 256 * mebibyte,
    idleMs: options.idleMs ?? 2000,
    observer: options.observer ?? silentObserver,
    clock: options.clock ?? systemClock,
  };
}

/** What a log consists of once its file is open, locked and of the right version. */
export interface LogParts {
  readonly settings: LogSettings;
  readonly connection: Connection;
  readonly lock: WriterLock;
  readonly recovery: LogRecovery | undefined;
  readonly ledger: Ledger;
  readonly sources: SourceTable;
  readonly ranges: RangeReader;
  readonly meta: MetaTable;
  readonly groups: GroupTable;
  readonly appender: Appender;
  readonly settler: Settler;
  readonly pruner: Pruner;
  readonly checkpointer: Checkpointer;
  readonly ballast: Ballast;
  readonly place: FilePlace;
  readonly room: DiskRoom;
  readonly gate: CommitGate;
}

/** Puts the parts together; each prepares its statements once. */
export function createLogParts(
  settings: LogSettings,
  connection: Connection,
  lock: WriterLock,
  recovery: LogRecovery | undefined,
): LogParts {
  const { path, checkpointBytes, ballastBytes, observer } = settings;
  const ledger = new Ledger(connection);
  const sources = new SourceTable(connection, "write");
  const rangeTable = new RangeTable(connection);
  const checkpointer = new Checkpointer(connection, checkpointBytes);
  const ballast = new Ballast(path, ballastBytes);
  const place = new FilePlace(path);
  const reload = (): void => {
    ledger.load();
    sources.forget();
  };
  return {
    settings,
    connection,
    lock,
    recovery,
    ledger,
    sources,
    ranges: new RangeReader(connection, sources),
    meta: new MetaTable(connection),
    groups: new GroupTable(connection, sources.nameOf),
    appender: new Appender(connection, ledger, sources, rangeTable),
    settler: new Settler(connection, ledger),
    pruner: new Pruner(connection, ledger, new RecordRemover(connection, ledger, rangeTable), checkpointBytes / 4),
    checkpointer,
    ballast,
    place,
    room: new DiskRoom({ path, connection, ballast, ballastBytes, checkpointBytes, place }),
    gate: new CommitGate({ path, connection, checkpointer, ballast, place, observer, reload }),
  };
}
