import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger } from "../../src/observability/index.ts";

const root = mkdtempSync(join(tmpdir(), "amoskys-logger-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("createLogger", () => {
  test("writes one JSON line an entry, from its level upwards, readable by its owner only", () => {
    const file = join(root, "json", "role.log");
    const logger = createLogger({ role: "bus", level: "info", format: "json", file });
    logger.log("debug", "quiet");
    logger.log("warn", "two\nlines", { agent: "a" });
    logger.close();
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] as string)).toMatchObject({ level: "warn", role: "bus", msg: "two\nlines", agent: "a" });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("lets nothing from outside command the terminal", () => {
    const file = join(root, "pretty.log");
    const logger = createLogger({ role: "bus", level: "info", format: "pretty", file });
    logger.log("info", "name \u001b[2J", { exe: "a\u0007 b" });
    logger.close();
    expect(readFileSync(file, "utf8")).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  test("rotates at its size and keeps so many older files", () => {
    const file = join(root, "rotating", "role.log");
    const logger = createLogger({ role: "r", level: "info", format: "json", file, fileBytesMax: 500, filesKept: 2 });
    for (let i = 0; i < 40; i += 1) logger.log("info", `line ${i}`);
    logger.close();
    expect(readdirSync(join(root, "rotating")).sort()).toEqual(["role.log", "role.log.1", "role.log.2"]);
    expect(statSync(`${file}.1`).size).toBeLessThanOrEqual(500);
    expect(readFileSync(file, "utf8")).toContain("line 39");
  });
});
