import { Database } from "bun:sqlite";
import { afterAll, describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { ProcessEventSchema } from "../../src/gen/messaging_schema_pb.ts";
import { amoskys } from "../support/amoskys.ts";
import { createFolder, flowPayload, LogWriterFixture } from "../tasks/log-fixture.ts";

const folder = createFolder();
const { dir, trustPath } = folder;
afterAll(() => folder.remove());

const path = join(dir, "agent.db");
const writer = new LogWriterFixture(path);
writer.flows(3);
writer.group([{ kind: "flow", payload: flowPayload(4), synthetic: true }]);
writer.flows(60);
writer.log.close();

const empty = join(dir, "home");
mkdirSync(empty);
const run = (...args: string[]) => amoskys(["--home", empty, "wal", ...args]);
const linesOf = (text: string) => text.trimEnd().split("\n");

describe("amoskys wal inspect", () => {
  test("shows a person what is in a log, and how much is not shown", async () => {
    const { status, stdout, stderr } = await run("inspect", path);
    expect(status).toBe(0);
    const lines = linesOf(stdout);
    expect(lines[0]).toBe(path);
    expect(stdout).toContain("Records  64: 64 pending, 0 settled, 0 parked");
    expect(stdout).toContain("Source   agent 0123456789abcdef: 1 to 64");
    const head = lines.findIndex((line) => line.startsWith("    ID"));
    expect(lines.length - head - 1).toBe(50);
    expect(lines.at(-1)).toMatch(/^ {4}64 {2}2023-11-14 22:13:20\.000Z +agent +64 +pending +TCP 10\.0\.0\.1:40064 -> /);
    expect(stderr).toBe("The newest 50 are shown; --limit all shows all\n");
  });

  test("--limit all shows all, --limit 0 none", async () => {
    const all = await run("inspect", path, "--limit", "all");
    expect(all.stdout).toContain("1s  synthetic\n");
    expect(all.stderr).toBe("");
    expect(linesOf(all.stdout).filter((line) => line.includes("pending  TCP"))).toHaveLength(64);
    expect((await run("inspect", path, "--limit", "0")).stdout).not.toContain("EVENT");
  });

  test("--full has all that a record holds below its line, which fills 120 columns", async () => {
    const full = join(dir, "full.db");
    const fullWriter = new LogWriterFixture(full);
    const args = ["curl", "x".repeat(500)];
    const process = create(ProcessEventSchema, { kind: "exec", exe: "/bin/curl", args, source: "ebpf" });
    fullWriter.group([{ kind: "process", payload: toBinary(ProcessEventSchema, process) }]);
    fullWriter.log.close();
    const { stdout } = await run("inspect", full, "--full");
    const [line = "", ...below] = linesOf(stdout).slice(-3);
    expect(line).toMatch(/ pending {2}exec 0 curl {2}\(x+…\) {2}parent 0, user 0$/);
    expect(line).toHaveLength(120);
    expect(below).toEqual([
      `        command line curl ${"x".repeat(500)}`,
      "        gid 0  exe /bin/curl  source ebpf",
    ]);
    const [, record] = linesOf((await run("inspect", full, "--json")).stdout).map((each) => JSON.parse(each));
    expect(record).toMatchObject({ kind: "process", collector: "syscall" });
  });

  test("an agent that the log does not know is named with those that it knows", async () => {
    const { status, stderr } = await run("inspect", path, "--agent", "nobody");
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: 'no events of an agent "nobody"; this log has: agent\n',
    });
  });

  test("the words of the summary are explained", async () => {
    for (const verb of ["inspect", "verify"]) {
      const { stdout } = await run(verb, "--help");
      for (const word of ["leaf", "root", "epoch"]) expect(stdout).toContain(word);
    }
    expect((await run("inspect", "--help")).stdout).toContain("Stamps are");
  });

  test("--json is one object a line: the log, then every record", async () => {
    const { stdout, stderr } = await run("inspect", path, "--json");
    const objects = linesOf(stdout).map((line) => JSON.parse(line));
    expect(objects).toHaveLength(65);
    expect(objects[0]).toMatchObject({ type: "log", records: 64, sources: [{ agent: "agent", highest: "64" }] });
    expect(objects[4]).toMatchObject({ type: "record", id: "4", sequence: "4", synthetic: true, state: "pending" });
    expect(objects[4].event).toMatchObject({ srcPort: 40_004, bytesTx: "1000" });
    expect(stderr).toBe("");
  });

  test("the options choose records", async () => {
    const count = async (...args: string[]) =>
      linesOf((await run("inspect", path, "--json", ...args)).stdout).length - 1;
    expect(await count("--kind", "flow,loss")).toBe(64);
    expect(await count("--kind", "loss")).toBe(0);
    expect(await count("--agent", "nobody")).toBe(0);
    expect(await count("--collector", "synthetic")).toBe(1);
    expect(await count("--collector", "flow", "--limit", "7")).toBe(7);
    expect(await count("--collector", "snmp,scan")).toBe(0);
    expect(await count("--state", "pending", "--limit", "7")).toBe(7);
    expect(await count("--state", "parked")).toBe(0);
    expect(await count("--since", "2023-11-14T22:13:20Z")).toBe(64);
    expect(await count("--since", "1h")).toBe(0);
    expect(await count("--until", "2023-11-14T22:13:20Z")).toBe(0);
  });

  test.each([
    [["inspect", path, "--kind", "flwo"], "Did you mean flow?"],
    [["inspect", path, "--state", "parkt"], "Did you mean parked?"],
    [["inspect", path, "--since", "yesterday"], "or 15m for 15 minutes ago"],
    [["inspect", path, "--limit", "many"], "Write a number, or all"],
    [["inspect", join(dir, "none.db")], "there is no log"],
    [["inspct", path], "inspect"],
  ])("%j is refused with 2 and says what to do", async (args, named) => {
    const { status, stdout, stderr } = await run(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain(named);
    expect(linesOf(stderr)).toHaveLength(2);
  });

  test("what is no log is refused with 11", async () => {
    const foreign = join(dir, "foreign.db");
    const db = new Database(foreign);
    db.run("CREATE TABLE other (x)");
    db.close();
    expect((await run("inspect", foreign)).status).toBe(11);
    const text = join(dir, "notes.txt");
    writeFileSync(text, "shopping\n".repeat(1000));
    for (const verb of ["inspect", "verify"]) {
      const { status, stderr } = await run(verb, text);
      expect({ status, stderr }).toEqual({ status: 11, stderr: `amoskys: ${text} is no log\nTry: file ${text}\n` });
    }
  });
});

describe("amoskys wal verify", () => {
  test("a sound log ends with 0 and says what it cannot prove", async () => {
    const { status, stdout, stderr } = await run("verify", path, "--trust", trustPath);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("64 records proven");
    expect(stdout).toContain("agent 0123456789abcdef: 64 produced = 64 stored");
    expect(stdout).toContain("  Not proven: that nothing was cut off at the end together with the log's own");
    expect(stdout).toContain("\n              sequence with its agent\n");
    for (const line of linesOf(stdout)) expect(line.length).toBeLessThanOrEqual(110);
    expect(linesOf(stdout).at(-1)).toStartWith("sound");
  });

  test("--independent and --json give the same answer", async () => {
    const [first, second] = await Promise.all([
      run("verify", path, "--trust", trustPath, "--json"),
      run("verify", path, "--trust", trustPath, "--json", "--independent"),
    ]);
    expect(second).toEqual(first);
    expect(JSON.parse(first.stdout)).toMatchObject({
      ok: true,
      records: 64,
      signatures: { good: 64 },
      first_bad: null,
    });
  });

  test("a changed log ends with 11 and names the first bad record and what is wrong with it", async () => {
    const changed = join(dir, "changed.db");
    copyFileSync(path, changed);
    const db = new Database(changed);
    db.run("DELETE FROM records WHERE id = 4");
    db.run("UPDATE records SET ts_ns = 1 WHERE id = 40");
    db.close();
    const { status, stdout, stderr } = await run("verify", changed, "--trust", trustPath);
    expect(status).toBe(11);
    expect(linesOf(stderr)[0]).toMatch(
      /is bad: before record 5 \(agent 0123456789abcdef sequence 4\): gap: sequence 4 is /,
    );
    expect(stdout).toContain("record 40 (agent 0123456789abcdef sequence 40): index: ");
    const json = await run("verify", changed, "--trust", trustPath, "--json");
    expect(json.status).toBe(11);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, first_bad: { kind: "gap", id: "5", sequence: "4" } });
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: "log_corrupt", exit_status: 11 } });
  });

  test("a record that was changed with its digest shows in the root of the log", async () => {
    const changed = join(dir, "rooted.db");
    copyFileSync(path, changed);
    const db = new Database(changed);
    db.run("UPDATE ledger SET tree_peaks = (SELECT zeroblob(length(tree_peaks)) FROM ledger)");
    db.close();
    const { status, stdout } = await run("verify", changed, "--trust", trustPath);
    expect(status).toBe(11);
    expect(stdout).toContain("tree: the root over the 64 leaves found is not the one in the ledger");
  });

  test("signatures that could not be checked end with 3", async () => {
    const { status, stderr, stdout } = await run("verify", path);
    expect(status).toBe(3);
    expect(stderr).toContain("Signatures of 64 records were not checked: there is no trust map");
    expect(linesOf(stdout).at(-1)).toBe("structure is sound; signatures were not checked");
  });

  test("a trust map that is not there ends with 12", async () => {
    expect((await run("verify", path, "--trust", join(dir, "none.yaml"))).status).toBe(12);
  });

  const old = join(process.env.AMOSKYS_CORPORA ?? "", "old-files/flowagent.db");
  const there = process.env.AMOSKYS_CORPORA !== undefined && existsSync(old);
  test.skipIf(!there)("a file of the old form is read, and says what cannot be proven (AMOSKYS_CORPORA)", async () => {
    const copy = join(dir, "old.db");
    copyFileSync(old, copy);
    const inspected = await run("inspect", copy, "--json", "--limit", "1");
    expect(JSON.parse(linesOf(inspected.stdout)[1] ?? "")).toMatchObject({ event: { srcIp: "10.0.0.39" } });
    const { status, stdout } = await run("verify", copy, "--trust", trustPath);
    expect(status).toBe(3);
    expect(stdout).toContain("that no record of an earlier agent was deleted");
  });
});
