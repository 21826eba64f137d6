import { AmoskysError } from "../core/errors.ts";
import type { Connection } from "./connection.ts";

/** `PRAGMA application_id` of a log: ASCII "AMOS". */
export const applicationId = 0x414d4f53;

// Small integers are the positions in row-codes.ts. `records.leaf_hash` stands where the bytes were replaced after
// their leaf went into the tree. Times are nanoseconds since the Unix epoch unless the name says otherwise.
const version1 = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE sources (
  id INTEGER PRIMARY KEY,
  agent TEXT NOT NULL,
  epoch TEXT NOT NULL,     -- 16 hex digits; '' for legacy senders
  highest INTEGER NOT NULL,
  last_sig BLOB NOT NULL,
  UNIQUE (agent, epoch)
) STRICT;

CREATE TABLE groups (
  id INTEGER PRIMARY KEY,
  source INTEGER NOT NULL,
  first_sequence INTEGER NOT NULL,
  size INTEGER NOT NULL,   -- leaves under the signature
  sig BLOB NOT NULL,
  prev_sig BLOB NOT NULL,
  first_id INTEGER NOT NULL,
  last_id INTEGER NOT NULL,
  pending INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  last_try_ms INTEGER NOT NULL,
  last_code TEXT NOT NULL
) STRICT;

CREATE TABLE records (
  id INTEGER PRIMARY KEY,
  source INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  group_id INTEGER,
  ts_ns INTEGER NOT NULL,
  received_ns INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  form INTEGER NOT NULL,
  trust INTEGER NOT NULL,
  state INTEGER NOT NULL,
  code TEXT,
  reason TEXT,
  legacy_key TEXT,
  judged_digest BLOB,
  leaf_hash BLOB,          -- SHA-256(0x00 || bytes as appended)
  digest BLOB NOT NULL,    -- BLAKE2b-256(bytes)
  bytes BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX records_by_sequence ON records (source, sequence) WHERE sequence > 0;
CREATE UNIQUE INDEX records_by_legacy_key ON records (source, legacy_key) WHERE legacy_key IS NOT NULL;
CREATE INDEX records_by_time ON records (ts_ns);

CREATE TABLE ranges (
  source INTEGER NOT NULL,
  reason INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  since_ms INTEGER NOT NULL,
  PRIMARY KEY (source, reason, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE pruned_leaves (id INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;

CREATE TABLE ledger (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  last_id INTEGER NOT NULL,
  last_group_id INTEGER NOT NULL,
  tree_size INTEGER NOT NULL,
  tree_peaks BLOB NOT NULL,
  base_id INTEGER NOT NULL,   -- leaves of records up to here are folded into the base
  base_size INTEGER NOT NULL,
  base_peaks BLOB NOT NULL,
  pending INTEGER NOT NULL,
  pending_bytes INTEGER NOT NULL,
  settled INTEGER NOT NULL,
  settled_bytes INTEGER NOT NULL,
  parked INTEGER NOT NULL,
  parked_bytes INTEGER NOT NULL
) STRICT;
INSERT INTO ledger VALUES (1, 0, 0, 0, x'', 0, 0, x'', 0, 0, 0, 0, 0, 0);
`;

/** What leads from the version before to each version; the first makes a new file. Never edited, only added to. */
const migrations: readonly string[] = [version1];

/** `PRAGMA user_version` of a log that this code writes. */
export const schemaVersion = migrations.length;

/** Brings a new or an older log to this code's version, each step in one transaction of its own. */
export function migrate(connection: Connection, steps: readonly string[] = migrations): void {
  for (let version = connection.scalar<number>("PRAGMA user_version"); version < steps.length; version += 1) {
    connection.transact(() => {
      connection.run(steps[version] as string);
      connection.run(`PRAGMA application_id = ${applicationId}`);
      connection.run(`PRAGMA user_version = ${version + 1}`);
    });
  }
}

/** Throws `log_foreign` for a log of a version that this code does not know. */
export function assertKnownVersion(path: string, version: number): void {
  if (version <= schemaVersion) return;
  throw new AmoskysError(
    "log_foreign",
    `log ${path} has schema version ${version}, this amoskys knows versions up to ${schemaVersion}`,
    { hint: "run the later amoskys that wrote it" },
  );
}
