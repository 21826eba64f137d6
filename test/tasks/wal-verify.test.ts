import { Database } from "bun:sqlite";
import { afterAll, describe, expect, test } from "bun:test";
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { blake2b256 } from "../../src/core/hashes.ts";
import { standaloneEnvelope } from "../../src/envelope/index.ts";
import { findingLine, recordsLine, unprovenLines, verifyJson } from "../../src/tasks/render-verify.ts";
import { isComplete, type VerifyReport, verifyLog } from "../../src/tasks/wal-verify.ts";
import { flowEnvelopeType, long } from "../envelope/universal-arbitrary.ts";
import { createFolder, flowPayload, LogWriterFixture, signers } from "./log-fixture.ts";

const folder = createFolder();
const { dir, trustPath } = folder;
afterAll(() => folder.remove());

const original = join(dir, "bus.db");
const strange = join(dir, "strange.db");
let copies = 0;

/** An earlier agent's envelope, signed or not. */
function legacyEnvelope(key: string, signed: boolean) {
  const message = { version: "v1", ts_ns: long(7n), idempotency_key: key, flow: { src_ip: "10.0.0.9" } };
  const unsigned = new Uint8Array(flowEnvelopeType.encode(message).finish());
  if (!signed) return { bytes: unsigned, judged: unsigned };
  const sig = signers.agent.sign(unsigned);
  return { bytes: new Uint8Array(flowEnvelopeType.encode({ ...message, sig }).finish()), judged: unsigned };
}

/** Ids: 1 to 3 a tree, 4 alone, 5 to 8 a tree, 9 alone, 10 and 11 of an earlier agent. Sequences 1 to 9. */
function writeOriginal(): void {
  const writer = new LogWriterFixture(original, { role: "bus" });
  writer.flows(3);
  writer.group([{ kind: "flow", payload: flowPayload(4) }], { alone: true });
  writer.flows(4);
  writer.group([{ kind: "process", payload: new Uint8Array(), synthetic: true }], { alone: true });
  for (const [key, trust] of [
    ["old-1", "signed_legacy"],
    ["old-2", "unsigned"],
  ] as const) {
    const { bytes, judged } = legacyEnvelope(key, trust === "signed_legacy");
    writer.legacy(key, bytes, judged, trust, 7n);
  }
  writer.log.close();
}

/** The same from another agent, and from another epoch of ours. */
function writeStrange(): void {
  const writer = new LogWriterFixture(strange, { signer: signers.other });
  writer.flows(9);
  const second = new LogWriterFixture(strange, { epoch: "fedcba9876543210", log: writer.log });
  second.flows(9);
  writer.log.close();
}

writeOriginal();
writeStrange();

/** Changes a copy of the log as somebody who owns the file can. */
function tampered(change: (db: Database) => void): string {
  copies += 1;
  const path = join(dir, `copy-${copies}.db`);
  for (const suffix of ["", "-wal"]) if (existsSync(original + suffix)) copyFileSync(original + suffix, path + suffix);
  const db = new Database(path, { strict: true });
  change(db);
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  return path;
}

function bytesOf(db: Database, id: number): Uint8Array {
  return new Uint8Array((db.query("SELECT bytes FROM records WHERE id = ?").get(id) as { bytes: Uint8Array }).bytes);
}

/** Writes other bytes with a digest that fits them: what a careful forger does. */
function forge(db: Database, id: number, bytes: Uint8Array): void {
  db.query("UPDATE records SET bytes = ?, digest = ? WHERE id = ?").run(bytes, blake2b256(bytes), id);
}

function flip(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.with(at, (bytes[at] as number) ^ 1);
}

function strangeBytes(id: number): Uint8Array {
  const db = new Database(strange, { readonly: true });
  const bytes = bytesOf(db, id);
  db.close();
  return bytes;
}

function firstOf(report: VerifyReport) {
  const [first] = report.findings;
  return first && { kind: first.kind, id: first.id, sequence: first.sequence };
}

describe("verifyLog of a sound log", () => {
  test("everything holds, and every record is accounted for", () => {
    const report = verifyLog({ path: original, trustPath });
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ records: 11, treeSize: 11, legacy: 2, strangers: [] });
    expect(report.signatures).toEqual({ good: 10, bad: 0, unknown_key: 0, unsigned: 1, incomplete_tree: 0 });
    expect(report.sources).toEqual([
      { agent: "agent", epoch: "0123456789abcdef", produced: 9, stored: 9, explained: {}, unlinked: 0 },
    ]);
    expect(isComplete(report)).toBe(true);
    expect(verifyJson(report)).toMatchObject({ ok: true, first_bad: null, counts: {} });
  });

  test("a second implementation agrees", () => {
    const report = verifyLog({ path: original, trustPath, independent: true });
    expect(report.findings).toEqual([]);
    expect(report.signatures.good).toBe(10);
  });

  test("without a trust map it says that signatures were not checked", () => {
    const report = verifyLog({ path: original });
    expect(report.findings).toEqual([]);
    expect(report.signatures).toMatchObject({ good: 0, unknown_key: 10 });
    expect(isComplete(report)).toBe(false);
    expect(unprovenLines(report)[0]).toContain("no trust map");
  });

  test("agents without a key are named", () => {
    const report = verifyLog({ path: strange, trustPath });
    expect(report.findings).toEqual([]);
    expect(report.strangers).toEqual(["other"]);
    expect(isComplete(report)).toBe(false);
  });

  test("a log that is being written is verified as it was at the start", () => {
    const path = join(dir, "live.db");
    const writer = new LogWriterFixture(path);
    writer.flows(20);
    try {
      expect(verifyLog({ path, trustPath }).findings).toEqual([]);
      writer.flows(20);
      expect(verifyLog({ path, trustPath }).findings).toEqual([]);
    } finally {
      writer.log.close();
    }
  });

  test("what comes while it looks is told apart from what it looked at", async () => {
    const path = join(dir, "busy.db");
    const program = [process.execPath, join(import.meta.dir, "live-log-child.ts"), path];
    const child = Bun.spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
    await child.stdout.getReader().read();
    const reports = Array.from({ length: 5 }, () => verifyLog({ path, trustPath }));
    child.stdin.end();
    expect(await child.exited).toBe(0);
    const met = reports.find(({ arrived }) => arrived > 0);
    if (!met) throw new Error("no record came while a log of 3,000 was verified, five times");
    for (const { findings, records, signatures } of reports) {
      expect({ findings, records }).toEqual({ findings: [], records: signatures.good });
    }
    expect(met.treeSize).toBe(met.records + met.arrived);
    expect(recordsLine(met)).toMatch(/^\d+,\d{3}; \d+ more came meanwhile, /);
    expect(verifyJson(met)).toMatchObject({ records: met.records, arrived: met.arrived });
    const quiet = verifyLog({ path, trustPath });
    expect([quiet.arrived, quiet.records]).toEqual([0, quiet.signatures.good]);
    expect(recordsLine(quiet)).toMatch(/^\d+,\d{3}$/);
  });

  test("a record that was set aside proves itself, with its tree and when that has left", () => {
    const path = join(dir, "parked.db");
    const writer = new LogWriterFixture(path);
    writer.flows(3);
    const group = writer.log.nextGroup(0);
    if (!group) throw new Error("no group");
    const leaves = group.records.map(({ bytes }) => bytes);
    const standalone = standaloneEnvelope({ leaves, sig: group.sig }, 1);
    writer.log.settle([{ id: 2, state: "parked", code: "conflict", reason: "other bytes", standalone }]);
    const withTree = verifyLog({ path, trustPath });
    writer.log.settle([1, 3].map((id) => ({ id, state: "settled", code: "stored", reason: "" })));
    writer.log.prune();
    const alone = verifyLog({ path, trustPath });
    writer.log.close();
    for (const report of [withTree, alone]) {
      expect(report.findings).toEqual([]);
      expect(isComplete(report)).toBe(true);
    }
    expect([withTree.signatures.good, alone.signatures.good]).toEqual([3, 1]);
    expect(alone.sources[0]).toMatchObject({ produced: 3, stored: 1, explained: { settled: 2 } });
  });

  test("losses and parked records that are said explain what is not there", () => {
    const path = join(dir, "losses.db");
    const writer = new LogWriterFixture(path, { role: "bus" });
    writer.flows(2);
    writer.burn(3);
    const loss = { firstSequence: 3, lastSequence: 4, count: 2, reason: "queue", startNs: 1n, endNs: 2n };
    const parked = { sequence: 5, digest: new Uint8Array(32), code: "conflict", reason: "" };
    const ranges = [writer.range(3, 5, "declared")];
    writer.group(
      [
        { kind: "loss", loss },
        { kind: "parked", parked },
      ],
      { ranges },
    );
    writer.log.close();
    const report = verifyLog({ path, trustPath });
    expect(report.findings).toEqual([]);
    expect(report.sources[0]).toMatchObject({ produced: 7, stored: 4, explained: { declared: 3 } });
  });
});

describe("verifyLog of a log that was changed names the first bad record", () => {
  const cases: [name: string, change: (db: Database) => void, first: object][] = [
    [
      "a flipped byte",
      (db) => db.query("UPDATE records SET bytes = ? WHERE id = 6").run(flip(bytesOf(db, 6), 60)),
      { kind: "digest", id: 6, sequence: 6 },
    ],
    [
      "a flipped byte in an envelope's payload, with the digest made anew",
      (db) => forge(db, 4, flip(bytesOf(db, 4), 60)),
      { kind: "signature", id: 4, sequence: 4 },
    ],
    [
      "a flipped byte in a leaf's payload, with the digest made anew",
      (db) => forge(db, 6, flip(bytesOf(db, 6), 60)),
      { kind: "signature", id: 5, sequence: 5 },
    ],
    [
      "bytes that are no envelope",
      (db) => forge(db, 4, Uint8Array.of(1, 2, 3)),
      { kind: "envelope", id: 4, sequence: 4 },
    ],
    ["the first record deleted", (db) => db.run("DELETE FROM records WHERE id = 1"), { sequence: 1 }],
    ["a record in the middle deleted", (db) => db.run("DELETE FROM records WHERE id = 4"), { sequence: 4 }],
    ["a leaf in the middle deleted", (db) => db.run("DELETE FROM records WHERE id = 6"), { sequence: 6 }],
    [
      "a whole tree deleted",
      (db) => {
        db.run("DELETE FROM records WHERE id BETWEEN 5 AND 8");
        db.run("DELETE FROM groups WHERE first_id = 5");
      },
      { kind: "gap", id: 9, sequence: 5 },
    ],
    ["the last record deleted", (db) => db.run("DELETE FROM records WHERE id = 9"), { kind: "gap", sequence: 9 }],
    [
      "the bytes of two records swapped",
      (db) => {
        const [four, nine] = [bytesOf(db, 4), bytesOf(db, 9)];
        forge(db, 4, nine);
        forge(db, 9, four);
      },
      { kind: "index", id: 4, sequence: 4 },
    ],
    [
      "a record copied to the end",
      (db) =>
        db.run(
          "UPDATE records SET bytes = a.bytes, digest = a.digest FROM records AS a WHERE records.id = 9 AND a.id = 4",
        ),
      { kind: "index", id: 9, sequence: 9 },
    ],
    [
      "a record copied to a sequence of its own",
      (db) =>
        db.run(`INSERT INTO records
          (id, source, sequence, group_id, ts_ns, received_ns, kind, form, trust, state, digest, bytes)
          SELECT 12, source, 10, NULL, ts_ns, received_ns, kind, form, trust, state, digest, bytes
          FROM records WHERE id = 4`),
      { id: 12, sequence: 10 },
    ],
    [
      "another agent's record in place of one",
      (db) => forge(db, 6, strangeBytes(6)),
      { kind: "index", id: 6, sequence: 6 },
    ],
    [
      "a record of another epoch in place of one",
      (db) => forge(db, 6, strangeBytes(15)),
      { kind: "index", id: 6, sequence: 6 },
    ],
    [
      "an edited time",
      (db) => db.run("UPDATE records SET ts_ns = ts_ns + 1 WHERE id = 7"),
      { kind: "index", id: 7, sequence: 7 },
    ],
    [
      "an edited kind",
      (db) => db.run("UPDATE records SET kind = 1 WHERE id = 7"),
      { kind: "index", id: 7, sequence: 7 },
    ],
    [
      "an edited sequence",
      (db) => db.run("UPDATE records SET sequence = 77 WHERE id = 4"),
      { kind: "index", id: 4, sequence: 77 },
    ],
    [
      "an edited label of trust",
      (db) => db.run("UPDATE records SET trust = 2 WHERE id = 4"),
      { kind: "index", id: 4, sequence: 4 },
    ],
    [
      "an unsigned record labelled as signed",
      (db) => db.run("UPDATE records SET trust = 1 WHERE id = 11"),
      { kind: "signature", id: 11 },
    ],
    [
      "a label of verified on an earlier agent's",
      (db) => db.run("UPDATE records SET trust = 0 WHERE id = 10"),
      { kind: "index", id: 10 },
    ],
    [
      "an edited key of an earlier agent",
      (db) => db.run("UPDATE records SET legacy_key = 'x' WHERE id = 10"),
      { kind: "index", id: 10 },
    ],
    [
      "an edited digest for duplicates",
      (db) => db.run("UPDATE records SET judged_digest = zeroblob(32) WHERE id = 10"),
      { kind: "index", id: 10 },
    ],
    [
      "an earlier agent's record passed off as sealed",
      (db) =>
        db.run(`UPDATE records SET source = (SELECT id FROM sources WHERE highest = 9), sequence = 10,
          legacy_key = NULL, judged_digest = NULL WHERE id = 10`),
      { kind: "index", id: 10 },
    ],
    [
      "an edited signature of a tree",
      (db) => db.run("UPDATE groups SET sig = zeroblob(64) WHERE first_id = 5"),
      { kind: "signature", id: 5, sequence: 5 },
    ],
    [
      "an edited chain of a tree",
      (db) => db.run("UPDATE groups SET prev_sig = zeroblob(64) WHERE first_id = 5"),
      { kind: "index", id: 5, sequence: 5 },
    ],
    [
      "a head set back",
      (db) => db.run("UPDATE sources SET highest = 8 WHERE highest = 9"),
      { kind: "head", id: 9, sequence: 9 },
    ],
    [
      "a head set forward",
      (db) => db.run("UPDATE sources SET highest = 12 WHERE highest = 9"),
      { kind: "gap", sequence: 10 },
    ],
    [
      "an edited last signature",
      (db) => db.run("UPDATE sources SET last_sig = zeroblob(64) WHERE highest = 9"),
      { kind: "head", id: 9, sequence: 9 },
    ],
    [
      "a deletion hidden behind a made-up loss",
      (db) => {
        db.run("DELETE FROM records WHERE id = 4");
        db.run("INSERT INTO ranges SELECT id, 4, 4, 4, 1 FROM sources WHERE highest = 9");
      },
      { kind: "range", sequence: 4 },
    ],
    [
      "a range over a record that is there",
      (db) => db.run("INSERT INTO ranges SELECT id, 1, 4, 4, 1 FROM sources WHERE highest = 9"),
      { kind: "range", sequence: 4 },
    ],
  ];

  for (const [name, change, first] of cases) {
    test(name, () => {
      const report = verifyLog({ path: tampered(change), trustPath });
      expect(firstOf(report)).toMatchObject(first);
      expect(verifyJson(report)).toMatchObject({ ok: false });
      expect(findingLine(report.findings[0] as VerifyReport["findings"][number])).not.toBe("");
    });
  }

  test("a second implementation finds bad signatures too, of trees and of envelopes", () => {
    const path = tampered((db) => {
      for (const id of [4, 6]) forge(db, id, flip(bytesOf(db, id), 60));
    });
    const report = verifyLog({ path, trustPath, independent: true });
    expect(report.signatures).toMatchObject({ good: 5, bad: 5 });
    expect(report.findings.filter(({ kind }) => kind === "signature").map(({ id }) => id)).toEqual([4, 5]);
  });

  test("two records that changed places are found in order of id", () => {
    const path = tampered((db) => {
      db.run("UPDATE records SET id = 1006 WHERE id = 6");
      db.run("UPDATE records SET id = 6 WHERE id = 7");
      db.run("UPDATE records SET id = 7 WHERE id = 1006");
    });
    expect(firstOf(verifyLog({ path, trustPath }))).toMatchObject({ kind: "order", id: 7, sequence: 6 });
  });

  test("a chain that names another signature is found where it does", () => {
    const path = join(dir, "chain.db");
    const writer = new LogWriterFixture(path);
    writer.flows(2);
    const forked = new LogWriterFixture(path, { log: writer.log });
    forked.burn(2);
    forked.flows(2);
    writer.log.close();
    expect(firstOf(verifyLog({ path, trustPath }))).toEqual({ kind: "chain", id: 3, sequence: 3 });
  });

  test("a log that was cut together with its own tables looks like a shorter one, and that is said", () => {
    const path = join(dir, "shorter.db");
    const writer = new LogWriterFixture(path);
    writer.flows(3);
    writer.log.close();
    const report = verifyLog({ path, trustPath });
    expect(report.findings).toEqual([]);
    expect(unprovenLines(report).at(-1)).toContain("compare the last sequence with its agent");
  });
});

describe("verifyLog of a file of the old form", () => {
  const old = join(process.env.AMOSKYS_CORPORA ?? "", "old-files/flowagent.db");
  const there = process.env.AMOSKYS_CORPORA !== undefined && existsSync(old);

  test.skipIf(!there)("digests hold, and what cannot be proven is said (AMOSKYS_CORPORA)", () => {
    const path = join(dir, "old.db");
    copyFileSync(old, path);
    const report = verifyLog({ path, trustPath });
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ records: 40, legacy: 40, sources: [] });
    expect(report.signatures.unknown_key).toBe(40);
    expect(isComplete(report)).toBe(false);
    expect(unprovenLines(report).join("\n")).toContain("no record of an earlier agent was deleted");
  });

  test.skipIf(!there)("a flipped byte and an edited key are found (AMOSKYS_CORPORA)", () => {
    const path = join(dir, "old-changed.db");
    copyFileSync(old, path);
    const db = new Database(path);
    db.run("UPDATE wal SET idem = 'other' WHERE id = 5");
    const { bytes } = db.query("SELECT bytes FROM wal WHERE id = 7").get() as { bytes: Uint8Array };
    db.query("UPDATE wal SET bytes = ? WHERE id = 7").run(flip(new Uint8Array(bytes), 50));
    db.close();
    const found = verifyLog({ path, trustPath }).findings.map(({ kind, id }) => [kind, id]);
    expect(found).toEqual([
      ["index", 5],
      ["digest", 7],
    ]);
  });
});
