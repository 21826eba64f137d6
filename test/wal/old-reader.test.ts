import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { blake2b256 } from "../../src/core/hashes.ts";
import { EnvelopeSchema, FlowEventSchema } from "../../src/gen/messaging_schema_pb.ts";
import { checkStructure, openLogReader } from "../../src/wal/index.ts";
import { temporaryFolder } from "./sample-log.ts";

const corpora = process.env.AMOSKYS_CORPORA;
const corpusLog = corpora && join(corpora, "old-files/flowagent.db");
if (!corpusLog) process.stderr.write("skipped: AMOSKYS_CORPORA is not set, no file of the earlier system is read\n");

function envelope(n: number): Uint8Array {
  const flow = create(FlowEventSchema, { srcIp: "10.0.0.1", dstPort: n });
  return toBinary(EnvelopeSchema, create(EnvelopeSchema, { version: "v1", idempotencyKey: `k${n}`, flow }));
}

function writeOld(path: string): void {
  const db = new Database(path);
  db.run(`CREATE TABLE wal (id INTEGER PRIMARY KEY AUTOINCREMENT, idem TEXT NOT NULL, ts_ns INTEGER NOT NULL,
    bytes BLOB NOT NULL, checksum BLOB NOT NULL)`);
  const insert = db.prepare("INSERT INTO wal (idem, ts_ns, bytes, checksum) VALUES (?, ?, ?, ?)");
  insert.run("k1", 100, envelope(1), blake2b256(envelope(1)));
  insert.run("k2", 200, envelope(2), envelope(2));
  insert.run("k3", 300, envelope(3), blake2b256(envelope(4)));
  insert.run("k5", 250, envelope(5), envelope(5));
  db.close();
}

test("OldReader tells the bus's rows from an agent's, and damaged ones from both", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "old.db");
  writeOld(path);
  const reader = openLogReader(path);
  const rows = reader.records({ limit: 10 });
  expect(rows.map(({ legacyKey, state, intact, tsNs }) => [legacyKey, state, intact, tsNs])).toEqual([
    ["k1", "settled", true, 100n],
    ["k2", "pending", true, 200n],
    ["k3", "settled", false, 300n],
    ["k5", "pending", true, 250n],
  ]);
  expect(rows[0]).toMatchObject({ form: "envelope", kind: "flow", trust: "unsigned", bytes: envelope(1), sequence: 0 });
  expect(reader.stats()).toMatchObject({ records: 4, pending: 2, settled: 2, highest: 4, oldestPendingNs: 200n });
  expect(reader.legacyRecord("", "k2")?.id).toBe(2);
  expect(reader.legacyRecord("agent", "k2")).toBeUndefined();
  expect(reader.records({ limit: 10, states: ["pending"], newestFirst: true }).map(({ id }) => id)).toEqual([4, 2]);
  expect(reader.records({ limit: 1, afterId: 1, states: ["pending"] }).map(({ id }) => id)).toEqual([2]);
  expect(reader.records({ limit: 10, sinceNs: 200n, untilNs: 300n }).map(({ id }) => id)).toEqual([2, 4]);
  expect(reader.records({ limit: 10, agents: ["x"] })).toEqual([]);
  expect([reader.sources(), reader.ranges(), reader.meta("x"), reader.group(1)]).toEqual([
    [],
    [],
    undefined,
    undefined,
  ]);
  reader.close();
});

test("checkStructure names the damaged row of an old file", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "old.db");
  writeOld(path);
  const facts = [...checkStructure(path)];
  expect(facts.map((fact) => (fact.type === "record" ? fact.faults : "log"))).toEqual([[], [], ["digest"], [], "log"]);
  expect(facts.at(-1)).toMatchObject({ records: 4, faults: [] });
});

test.skipIf(!corpusLog)("OldReader reads a file that the earlier system wrote, all of it intact", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "flowagent.db");
  copyFileSync(corpusLog as string, path);
  const reader = openLogReader(path);
  const rows = reader.records({ limit: 1000 });
  expect(rows).toHaveLength(40);
  expect(
    rows.every(
      ({ intact, form, kind, state }) => intact && form === "envelope" && kind === "flow" && state === "settled",
    ),
  ).toBe(true);
  reader.close();
  expect(existsSync(`${path}-wal`)).toBe(false);
});
