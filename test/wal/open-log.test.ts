import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { checkStructure, openLog, openLogReader } from "../../src/wal/index.ts";
import { openSample, sampleBatch, settleGroup, temporaryFolder } from "./sample-log.ts";

const mode = (path: string) => statSync(path).mode & 0o777;
const foreign = expect.objectContaining({ code: "log_foreign" });

/** A log with 40 groups of 5, of which the first 10 are settled, closed; answers its path. */
function writeSample(folder: string): string {
  const log = openSample(folder, { checkpointBytes: 32_768 });
  log.setMeta("epoch", "e");
  for (let i = 0; i < 40; i += 1) log.append(sampleBatch(i * 5 + 1, 5, { length: 200 }));
  for (let id = 1; id <= 10; id += 1) settleGroup(log, id);
  log.close();
  return log.path;
}

function overwrite(path: string, offset: number, bytes: Uint8Array): void {
  const file = readFileSync(path);
  file.set(bytes, offset);
  writeFileSync(path, file);
}

function pendingIds(path: string): number[] {
  const reader = openLogReader(path);
  const records = reader.records({ limit: 10_000, states: ["pending"] });
  reader.close();
  expect(records.filter(({ intact }) => !intact)).toEqual([]);
  return records.map(({ id }) => id);
}

describe("openLog", () => {
  test("makes the folder for its owner alone, and so the files", () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "data/wal/agent.db");
    const log = openLog({ path, role: "agent", budgetBytes: 1 << 20, idleMs: 0 });
    log.append(sampleBatch(1, 1));
    expect(mode(join(folder.path, "data"))).toBe(0o700);
    expect(mode(join(folder.path, "data/wal"))).toBe(0o700);
    for (const name of readdirSync(join(folder.path, "data/wal"))) {
      expect([name, mode(join(folder.path, "data/wal", name))]).toEqual([name, 0o600]);
    }
    log.close();
  });

  test.each([
    "a b.db",
    "percent%41?mode=ro#x.db",
    "quote'\"`$(x).db",
    "new\nline\ttab.db",
    "ünïcode-日本-🐈.db",
    "-rf.db",
    "file:x.db",
    ":memory:",
    `${"n".repeat(200)}.db`,
    "no-suffix",
  ])("takes the name %p", (name) => {
    using folder = temporaryFolder();
    const path = join(folder.path, name);
    const log = openLog({ path, role: "agent", budgetBytes: 1 << 20 });
    log.append(sampleBatch(1, 2));
    log.close();
    expect(readdirSync(folder.path).sort()).toEqual([name, `${name}.lock`].sort());
    expect(pendingIds(path)).toEqual([1, 2]);
    expect([...checkStructure(path)].at(-1)).toMatchObject({ faults: [] });
  });

  test("takes a path through a linked folder, and refuses a linked file", () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, "real"));
    symlinkSync(join(folder.path, "real"), join(folder.path, "linked"));
    openLog({ path: join(folder.path, "linked/a.db"), role: "agent", budgetBytes: 1 << 20 }).close();
    expect(existsSync(join(folder.path, "real/a.db"))).toBe(true);
    symlinkSync(join(folder.path, "real/a.db"), join(folder.path, "b.db"));
    symlinkSync(join(folder.path, "nowhere.db"), join(folder.path, "c.db"));
    for (const name of ["b.db", "c.db"]) {
      const path = join(folder.path, name);
      expect(() => openLog({ path, role: "agent", budgetBytes: 1 })).toThrow(foreign);
    }
    expect(() => openLogReader(join(folder.path, "b.db"))).toThrow(foreign);
    expect(existsSync(join(folder.path, "nowhere.db"))).toBe(false);
  });

  test("refuses a file with two names, a folder and a pipe", () => {
    using folder = temporaryFolder();
    const path = writeSample(folder.path);
    linkSync(path, join(folder.path, "second.db"));
    expect(() => openSample(folder.path)).toThrow(foreign);
    mkdirSync(join(folder.path, "folder.db"));
    expect(() => openLog({ path: join(folder.path, "folder.db"), role: "agent", budgetBytes: 1 })).toThrow(foreign);
    Bun.spawnSync(["mkfifo", join(folder.path, "pipe.db")]);
    expect(() => openLog({ path: join(folder.path, "pipe.db"), role: "agent", budgetBytes: 1 })).toThrow(foreign);
  });

  test("refuses what assertLocal refuses, before anything is written", () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "a.db");
    const assertLocal = (where: string) => {
      throw new Error(`not on ${where}`);
    };
    expect(() => openLog({ path, role: "agent", budgetBytes: 1, assertLocal })).toThrow(`not on ${folder.path}`);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test("refuses the database of another program and a log of a later version, and leaves them as they are", () => {
    using folder = temporaryFolder();
    const other = join(folder.path, "other.db");
    const db = new Database(other);
    db.run("CREATE TABLE places (x)");
    db.close();
    const bytes = readFileSync(other);
    expect(() => openLog({ path: other, role: "agent", budgetBytes: 1 })).toThrow(foreign);
    expect(readFileSync(other)).toEqual(bytes);
    const later = writeSample(folder.path);
    const raised = new Database(later);
    raised.run("PRAGMA user_version = 999");
    raised.close();
    expect(() => openSample(folder.path)).toThrow(expect.objectContaining({ message: expect.stringContaining("999") }));
    expect(() => openLogReader(later)).toThrow(foreign);
  });

  test("goes on with an empty file, and with one that a crash left without tables", () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "sample.db");
    writeFileSync(path, "");
    openSample(folder.path).close();
    rmSync(path);
    const db = new Database(path);
    db.run("PRAGMA journal_mode = WAL");
    db.run("PRAGMA user_version = 0");
    db.close();
    const log = openSample(folder.path);
    expect(log.recovery).toBeUndefined();
    log.append(sampleBatch(1, 1));
    log.close();
  });

  test("says what is wrong with a folder that cannot be made", () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "file"), "");
    const path = join(folder.path, "file/a.db");
    expect(() => openLog({ path, role: "agent", budgetBytes: 1 })).toThrow(expect.objectContaining({ code: "log_io" }));
  });
});

describe("a log of the earlier system at the path", () => {
  function writeOld(path: string): void {
    const db = new Database(path);
    db.run("PRAGMA journal_mode = WAL");
    db.run(`CREATE TABLE wal (id INTEGER PRIMARY KEY AUTOINCREMENT, idem TEXT NOT NULL, ts_ns INTEGER NOT NULL,
      bytes BLOB NOT NULL, checksum BLOB NOT NULL)`);
    db.run("INSERT INTO wal (idem, ts_ns, bytes, checksum) VALUES ('k', 1, x'0102', x'0102')");
    db.close();
  }

  test("is set aside byte for byte, with a hint", () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "sample.db");
    writeOld(path);
    const bytes = readFileSync(path);
    const log = openSample(folder.path);
    const { recovery } = log;
    expect(recovery).toMatchObject({ cause: "old_schema", lost: false, salvaged: 0 });
    expect(recovery?.setAside).toMatch(/sample\.db\.old-\d{8}T\d{6}Z$/);
    expect(recovery?.hint).toBe(`amoskys wal inspect ${recovery?.setAside}`);
    expect(readFileSync(recovery?.setAside as string)).toEqual(bytes);
    log.append(sampleBatch(1, 1));
    log.close();
    expect(openSampleOnce(folder.path)).toBeUndefined();
    const reader = openLogReader(recovery?.setAside as string);
    expect(reader.records({ limit: 10 })).toMatchObject([{ legacyKey: "k", state: "pending" }]);
    reader.close();
  });

  test("is set aside also where its journal would have to be played back first", () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "sample.db");
    writeOld(path);
    const db = new Database(path);
    db.run("PRAGMA journal_mode = DELETE");
    db.run("PRAGMA cache_size = 1");
    db.run("BEGIN");
    for (let i = 0; i < 200; i += 1) db.run(`INSERT INTO wal VALUES (NULL, 'k${i}', 1, zeroblob(3000), x'01')`);
    for (const suffix of ["", "-journal"]) copyFileSync(path + suffix, join(folder.path, `hot.db${suffix}`));
    db.run("ROLLBACK");
    db.close();
    const log = openLog({ path: join(folder.path, "hot.db"), role: "agent", budgetBytes: 1 << 20 });
    expect(log.recovery?.cause).toBe("old_schema");
    expect(existsSync(`${log.recovery?.setAside}-journal`)).toBe(true);
    log.close();
  });
});

function openSampleOnce(folder: string): ReturnType<typeof openSample>["recovery"] {
  const log = openSample(folder);
  log.close();
  return log.recovery;
}

describe("a damaged log", () => {
  const noise = crypto.getRandomValues(new Uint8Array(4096));
  const damages: readonly (readonly [string, (path: string) => void, least: number])[] = [
    ["its header is noise", (path) => overwrite(path, 0, noise.subarray(0, 100)), 200],
    ["its first page is noise", (path) => overwrite(path, 0, noise), 200],
    ["its first page is zero", (path) => overwrite(path, 0, new Uint8Array(4096)), 200],
    ["it is cut in the middle", (path) => truncateSync(path, Math.floor(statSync(path).size / 2)), 0],
    ["it is cut off inside a page", (path) => truncateSync(path, statSync(path).size - 1000), 150],
    ["a page in it is zero", (path) => overwrite(path, 4096 * 20, new Uint8Array(4096)), 180],
    ["all of it is noise", (path) => writeFileSync(path, crypto.getRandomValues(new Uint8Array(65_536))), 0],
  ];

  test.each(damages)("is set aside whole and salvaged when %s", (_what, damage, least) => {
    using folder = temporaryFolder();
    const path = writeSample(folder.path);
    damage(path);
    const bytes = readFileSync(path);
    const log = openSample(folder.path);
    const { recovery } = log;
    expect(recovery).toMatchObject({ cause: "damaged", lost: true, hint: expect.stringContaining("amoskys wal") });
    expect(recovery?.reason).not.toBe("");
    expect(recovery?.setAside).toMatch(/sample\.db\.damaged-\d{8}T\d{6}Z$/);
    expect(readFileSync(recovery?.setAside as string)).toEqual(bytes);
    expect(recovery?.salvaged).toBeGreaterThanOrEqual(least);
    expect(log.stats().records).toBe(recovery?.salvaged as number);
    expect(log.meta("epoch")).toBeUndefined();
    for (let group = log.nextGroup(0); group; group = log.nextGroup(group.id)) {
      expect(group.records).toHaveLength(group.size);
      expect(group.records.every(({ intact, state }) => intact && state === "pending")).toBe(true);
    }
    const next = log.append(sampleBatch(1001, 2));
    expect(next.firstId).toBeGreaterThan(200);
    log.close();
    expect([...checkStructure(path)].flatMap(({ faults }) => faults as readonly unknown[])).toEqual([]);
    expect(openSampleOnce(folder.path)).toBeUndefined();
  });

  test("keeps what was in the write-ahead file beside it, and leaves that whole", () => {
    using folder = temporaryFolder();
    const source = join(folder.path, "source");
    mkdirSync(source);
    const running = openSample(source);
    for (let i = 0; i < 20; i += 1) running.append(sampleBatch(i * 50 + 1, 50));
    running.checkpoint();
    for (let i = 20; i < 30; i += 1) running.append(sampleBatch(i * 50 + 1, 50));
    for (const suffix of ["", "-wal"]) copyFileSync(running.path + suffix, join(folder.path, `sample.db${suffix}`));
    running.close();
    const path = join(folder.path, "sample.db");
    const walBytes = readFileSync(`${path}-wal`);
    writeFileSync(path, crypto.getRandomValues(new Uint8Array(statSync(path).size > 65_536 ? 65_536 : 4096)));
    const log = openSample(folder.path);
    expect(log.recovery?.salvaged).toBeGreaterThanOrEqual(450);
    expect(readFileSync(`${log.recovery?.setAside}-wal`)).toEqual(walBytes);
    expect(pendingIds(path).at(-1)).toBe(1500);
    log.close();
  });

  test("is also one with a broken frame in the midst of its write-ahead file, which SQLite would pass over", () => {
    using folder = temporaryFolder();
    const source = join(folder.path, "source");
    mkdirSync(source);
    const running = openSample(source);
    for (let i = 0; i < 20; i += 1) running.append(sampleBatch(i * 5 + 1, 5));
    for (const suffix of ["", "-wal"]) copyFileSync(running.path + suffix, join(folder.path, `sample.db${suffix}`));
    running.close();
    const path = join(folder.path, "sample.db");
    const middle = 32 + Math.floor(statSync(`${path}-wal`).size / 4120 / 2) * 4120;
    overwrite(`${path}-wal`, middle + 2000, Uint8Array.of(255, 254));
    const log = openSample(folder.path);
    expect(log.recovery).toMatchObject({ cause: "damaged", reason: expect.stringContaining("write-ahead") });
    expect(log.recovery?.salvaged).toBeGreaterThanOrEqual(95);
    log.close();
  });

  test("leaves behind what waits in a group that is not whole any more, since nothing could prove it", () => {
    using folder = temporaryFolder();
    const path = writeSample(folder.path);
    const db = new Database(path);
    db.run("DELETE FROM records WHERE id = 101");
    db.close();
    overwrite(path, 0, noise.subarray(0, 100));
    const log = openSample(folder.path);
    expect(log.recovery?.salvaged).toBe(195);
    expect(log.nextGroup(20)?.firstSequence).toBe(106);
    log.close();
  });

  test("keeps the bus's records in place, and goes on with ids that nobody has seen", () => {
    using folder = temporaryFolder();
    let log = openSample(folder.path, { role: "bus" });
    for (let i = 0; i < 30; i += 1) log.append(sampleBatch(i * 5 + 1, 5, { state: "settled" }));
    log.close();
    overwrite(log.path, 0, noise);
    log = openSample(folder.path, { role: "bus" });
    expect(log.stats()).toMatchObject({ records: 150, settled: 150 });
    expect(log.sources()).toMatchObject([{ highest: 150 }]);
    expect(log.append(sampleBatch(151, 1, { state: "settled" })).firstId).toBeGreaterThan(1 << 20);
    log.close();
    const reader = openLogReader(log.path);
    expect(reader.records({ limit: 1000 }).map(({ sequence }) => sequence)).toHaveLength(151);
    reader.close();
  });

  test("is found wherever a page of it is zero, and what is not found is found by verify", () => {
    using folder = temporaryFolder();
    const path = writeSample(folder.path);
    const whole = readFileSync(path);
    let silent = 0;
    const every = process.env.AMOSKYS_LONG === "1" ? 1 : 4;
    for (let page = 0; page < whole.length / 4096; page += every) {
      for (const name of readdirSync(folder.path)) rmSync(join(folder.path, name));
      const bytes = Buffer.from(whole);
      if (bytes.subarray(page * 4096, page * 4096 + 4096).every((byte) => byte === 0)) continue;
      bytes.fill(0, page * 4096, page * 4096 + 4096);
      writeFileSync(path, bytes);
      const noticed = openSampleOnce(folder.path) !== undefined;
      const faults = [...checkStructure(path)].flatMap((fact) => fact.faults as readonly unknown[]);
      if (!noticed && faults.length === 0) silent += 1;
      if (noticed) expect(faults).toEqual([]);
    }
    expect(silent).toBe(0);
  }, 60_000);

  test("is mended by the next opening when a crash came in between", () => {
    using folder = temporaryFolder();
    const path = writeSample(folder.path);
    overwrite(path, 0, noise);
    const { setAside } = openSampleOnce(folder.path) as { setAside: string };
    // as after the first rename: the damaged file is aside, its write-ahead file not yet, nor is the salvaged log in
    // place
    renameSync(path, `${path}.salvage`);
    writeFileSync(`${path}-wal`, "left over");
    expect(openSampleOnce(folder.path)).toMatchObject({ cause: "damaged", setAside, salvaged: 200 });
    expect(readFileSync(`${setAside}-wal`, "utf8")).toBe("left over");
    expect(pendingIds(path)).toHaveLength(150);
  });

  test("is salvaged anew when a crash came before the salvaged log was whole", () => {
    using folder = temporaryFolder();
    const path = writeSample(folder.path);
    overwrite(path, 0, noise);
    copyFileSync(join(import.meta.dir, "../fixtures/wal-v1.db"), `${path}.salvage`);
    expect(openSampleOnce(folder.path)).toMatchObject({ salvaged: 200 });
    expect(readdirSync(folder.path).filter((name) => name.includes("salvage"))).toEqual([]);
  });

  test("without its database is a write-ahead file set aside", () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "sample.db");
    writeFileSync(`${path}-wal`, "all there is");
    const recovery = openSampleOnce(folder.path);
    expect(recovery).toMatchObject({ cause: "damaged", lost: true, salvaged: 0 });
    expect(readFileSync(`${recovery?.setAside}-wal`, "utf8")).toBe("all there is");
  });

  test("that may not be read is refused, not set aside", () => {
    if (process.getuid?.() === 0) return;
    using folder = temporaryFolder();
    const path = writeSample(folder.path);
    chmodSync(path, 0);
    expect(() => openSample(folder.path)).toThrow(expect.objectContaining({ code: "log_io" }));
  });
});
