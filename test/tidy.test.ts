import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import ts from "typescript";

/** Floor of each room; imports go down only, rooms of one floor do not know each other. */
const floors: Readonly<Record<string, number>> = {
  core: 0,
  gen: 0,
  packet: 1,
  protocols: 1,
  procfs: 1,
  native: 1,
  telemetry: 1,
  data: 1,
  envelope: 1,
  config: 1,
  wal: 2,
  identity: 2,
  transport: 2,
  observability: 2,
  bus: 3,
  collectors: 3,
  delivery: 3,
  analysis: 3,
  web: 3,
  roles: 4,
  tasks: 4,
  cli: 5,
  "main.ts": 6,
};

/** Rooms whose files are imported directly, each being its own door. */
const openRooms = new Set(["core", "gen", "data", "roles", "tasks", "cli", "main.ts"]);

/** One room for each outside thing: [what, where it may be, pattern in the text]. */
const doors: readonly (readonly [string, RegExp, RegExp])[] = [
  ["commander, chalk, ora, cli-table3", /^(cli\/|main\.ts)/, /from "(commander|chalk|ora|cli-table3)"/],
  ["@connectrpc", /^transport\//, /from "@connectrpc\//],
  ["node:http2", /^transport\//, /from "node:http2"/],
  ["prom-client", /^observability\//, /from "prom-client"/],
  ["pino", /^observability\//, /from "pino"/],
  ["bun:sqlite", /^wal\//, /from "bun:sqlite"/],
  ["net-snmp", /^collectors\/snmp\/user-asker\.ts$/, /"net-snmp"/],
  ["js-yaml", /^config\//, /from "js-yaml"/],
  ["bun:ffi", /^native\//, /from "bun:ffi"/],
  ["@peculiar/x509", /^identity\//, /"@peculiar\/x509"/],
  ["process.env", /^main\.ts$/, /process\.env/],
  ["process.exit", /^main\.ts$/, /process\.exit\(/],
  [
    "stdout and stderr",
    /^(cli\/output|observability\/logger|collectors\/[^/]+\/print)/,
    /process\.std(out|err)\.write|Bun\.stdout/,
  ],
  ["spawning", /^roles\//, /Bun\.spawn|node:child_process/],
  ["the wall clock", /^core\/clock\.ts$/, /Date\.now\(\)|new Date\(\)|performance\.now\(\)/],
];

/** Words that hide what a file is for. */
const bannedNames = /(^|[/-])(utils?|helpers?|common|manager|misc|v2)([/.-]|$)/;
/** Marks that may not stand in the source. */
const bannedText: readonly (readonly [string, RegExp])[] = [
  ["unfinished work", /\b(TODO|FIXME|XXX|HACK)\b/],
  ["silenced types", /@ts-(ignore|nocheck|expect-error)|\bas any\b/],
];

/** Measured hot paths that may be longer, each with the benchmark that justifies it. A stale entry fails. */
const longFunctions: Readonly<Record<string, string>> = {};

const files = [...new Bun.Glob("**/*.ts").scanSync("src")].filter((file) => !file.startsWith("gen/")).sort();
const tests = [...new Bun.Glob("**/*.ts").scanSync("test")].sort();
const text = (path: string) => readFileSync(path, "utf8");

/** A collector is a room of its own. */
function roomOf(file: string): string {
  const [first = "", second = ""] = file.split("/");
  return first === "collectors" ? `collectors/${second}` : first;
}

function floorOf(file: string): number | undefined {
  return floors[file.split("/")[0] as string];
}

function importsOf(file: string): string[] {
  const found = text(join("src", file)).matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g);
  return [...found].map((match) => normalize(join(dirname(file), match[1] as string)));
}

function lineCount(path: string): number {
  return text(path).split("\n").length - 1;
}

/** Names and lengths of all functions of a file, in lines. */
function functionsOf(path: string): { name: string; lines: number }[] {
  const source = ts.createSourceFile(path, text(path), ts.ScriptTarget.Latest, true);
  const found: { name: string; lines: number }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && "body" in node && node.body) {
      const first = source.getLineAndCharacterOfPosition(node.getStart()).line;
      const last = source.getLineAndCharacterOfPosition(node.getEnd()).line;
      const name = node.name?.getText() ?? (ts.isVariableDeclaration(node.parent) ? node.parent.name.getText() : "");
      found.push({ name: `${path}#${name}`, lines: last - first + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

describe("tidy", () => {
  test("there is a source tree to look at", () => {
    expect(files.length).toBeGreaterThan(50);
  });

  test("every file is in a room with a floor", () => {
    expect(files.filter((file) => floorOf(file) === undefined)).toEqual([]);
  });

  test("imports go down, never up and never sideways", () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((target) => !target.startsWith("..") && roomOf(target) !== roomOf(file))
        .filter((target) => (floorOf(target) ?? 99) >= (floorOf(file) ?? -1))
        .map((target) => `${file} -> ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test("a collector imports floors 0 and 1 only", () => {
    const wrong = files
      .filter((file) => file.startsWith("collectors/"))
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => roomOf(target) !== roomOf(file) && (floorOf(target) ?? 99) > 1)
          .map((target) => `${file} -> ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  test("a room is entered through its index.ts", () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((target) => !target.startsWith("..") && roomOf(target) !== roomOf(file))
        .filter((target) => !openRooms.has(roomOf(target)) && !target.endsWith("/index.ts"))
        .map((target) => `${file} -> ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test("an index.ts says first what its room does, and names what it exports", () => {
    const indexes = files.filter((file) => file.endsWith("/index.ts"));
    expect(indexes.filter((file) => !text(join("src", file)).startsWith("/**"))).toEqual([]);
    expect(indexes.filter((file) => /export \*/.test(text(join("src", file))))).toEqual([]);
  });

  test.each(doors)("%s has one door", (_what, allowed, pattern) => {
    const users = files.filter((file) => pattern.test(text(join("src", file))));
    expect(users.filter((file) => !allowed.test(file))).toEqual([]);
  });

  test("src never imports test", () => {
    expect(
      files.filter((file) => importsOf(file).some((target) => target.startsWith("..") && target.includes("test/"))),
    ).toEqual([]);
  });

  test("sources have at most 400 lines, tests 800", () => {
    const long = [
      ...files.filter((file) => !file.startsWith("data/")).map((file) => [join("src", file), 400] as const),
      ...tests.map((file) => [join("test", file), 800] as const),
    ].filter(([path, most]) => lineCount(path) > most);
    expect(long.map(([path]) => `${path}: ${lineCount(path)}`)).toEqual([]);
  });

  test("functions have at most 70 lines, and the exceptions are real", () => {
    const long = files.flatMap((file) => functionsOf(join("src", file))).filter(({ lines }) => lines > 70);
    expect(long.filter(({ name }) => !(name in longFunctions)).map(({ name, lines }) => `${name}: ${lines}`)).toEqual(
      [],
    );
    expect(Object.keys(longFunctions).filter((name) => !long.some((f) => f.name === name))).toEqual([]);
  });

  test("lines have at most 120 columns", () => {
    const code = files.filter((file) => !file.startsWith("data/"));
    const all = [...code.map((file) => join("src", file)), ...tests.map((file) => join("test", file))];
    const wide = all.flatMap((path) =>
      text(path)
        .split("\n")
        .flatMap((line, index) => (line.length > 120 ? [`${path}:${index + 1}`] : [])),
    );
    expect(wide).toEqual([]);
  });

  test("names are kebab-case and say what is in the file", () => {
    expect(files.filter((file) => !/^([a-z0-9-]+\/)*[a-z0-9-]+\.ts$/.test(file) || bannedNames.test(file))).toEqual([]);
  });

  test.each(bannedText)("no %s", (_what, pattern) => {
    expect(files.filter((file) => pattern.test(text(join("src", file))))).toEqual([]);
  });

  test("every test mirrors a source, or stands in a folder for whole programs", () => {
    const apart = /^(tidy\.test|cli\/|end-to-end\/|support\/|corpora\/|faults\/|roles\/collector-contract)/;
    const stray = tests.filter(
      (file) => file.endsWith(".test.ts") && !apart.test(file) && !files.includes(file.replace(".test.ts", ".ts")),
    );
    expect(stray).toEqual([]);
  });

  test("every file is reached from main.ts", () => {
    const reached = new Set<string>();
    const queue = ["main.ts"];
    for (let file = queue.pop(); file; file = queue.pop()) {
      if (reached.has(file) || !files.includes(file)) continue;
      reached.add(file);
      queue.push(...importsOf(file));
    }
    expect(files.filter((file) => !reached.has(file))).toEqual([]);
  });
});
