import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { snmpConfigSchema } from "../../../src/collectors/snmp/config.ts";
import { createPlan } from "../../../src/collectors/snmp/plan.ts";
import { parseYaml } from "../../../src/config/index.ts";
import { snmpCategories, snmpMetricNames } from "../../../src/data/snmp-metrics.ts";

const folder = mkdtempSync(join(tmpdir(), "amoskys-snmp-plan-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const plan = (config: Record<string, unknown>, home = folder) => createPlan(snmpConfigSchema.parse(config), home);

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

const corpora = process.env.AMOSKYS_CORPORA;
if (!corpora) process.stderr.write("skipped: files of the first generation (AMOSKYS_CORPORA is not set)\n");
const old = (name: string) => join(corpora ?? "", "old-files", name);

/** UCD-DISKIO-MIB: diskIONRead and diskIONWritten, which the file takes for diskIOReads and diskIOWrites. */
const wrongOids = new Map([
  ["1.3.6.1.4.1.2021.13.15.1.1.3", "1.3.6.1.4.1.2021.13.15.1.1.5"],
  ["1.3.6.1.4.1.2021.13.15.1.1.4", "1.3.6.1.4.1.2021.13.15.1.1.6"],
]);

interface OldFile {
  readonly metrics: Record<string, { enabled: boolean; oids: { name: string; oid: string; is_table?: boolean }[] }>;
  readonly profiles: Record<string, { enabled_categories: string[] }>;
}

describe("the plan", () => {
  test("has the built-in objects where nothing else is said", () => {
    const { scalars, columns, readsInterfaces, devices } = plan({});
    expect(snmpCategories.flatMap(({ objects }) => objects)).toHaveLength(29);
    // the interfaces' eight are read by the reader of IF-MIB
    expect([scalars.length, columns.length, readsInterfaces, devices.length]).toEqual([9, 12, true, 0]);
    const names = [...scalars, ...columns].map(({ name }) => name);
    expect(names.filter((name) => !(name in snmpMetricNames))).toEqual([]);
  });

  test("a profile takes its categories; one that is not there is refused with the nearest", () => {
    const { scalars, columns, readsInterfaces } = plan({ profile: "standard" });
    expect([...new Set([...scalars, ...columns].map(({ category }) => category))]).toEqual([
      "system_info",
      "memory",
      "cpu",
    ]);
    expect(readsInterfaces).toBe(false);
    expect(() => plan({ profile: "standart" })).toThrow(
      expect.objectContaining({ code: "config_invalid", hint: "did you mean standard?" }),
    );
  });

  test("a file replaces the built-in objects; relative paths start at the home", () => {
    const text = `
metrics:
  ups:
    enabled: true
    oids:
    - {name: upsBatteryStatus, oid: .1.3.6.1.2.1.33.1.2.1.0, type: gauge}
  cpu: {enabled: false, oids: [{name: hrProcessorLoad, oid: 1.3.6.1.2.1.25.3.3.1.2, is_table: true}]}
vendor_extensions:
  cisco: {enabled: true, oids: [{name: cpmCPUTotal5sec, oid: 1.3.6.1.4.1.9.9.109.1.1.1.1.3}]}
advanced: {apply_thresholds: false, table_walk: {max_rows: 7}}`;
    const found = plan({ metrics_file: file("metrics.yaml", text) });
    expect(found.scalars.map(({ name, oid }) => [name, oid])).toEqual([["upsBatteryStatus", "1.3.6.1.2.1.33.1.2.1.0"]]);
    expect(found.columns.map(({ name }) => name)).toEqual(["cpmCPUTotal5sec"]);
    expect([found.rowsMax, found.appliesThresholds, found.readsInterfaces]).toEqual([7, false, false]);
  });

  test("OIDs of bytes under the names of operations are corrected; under their own names they stay", () => {
    const objects = (names: readonly string[]) =>
      [...wrongOids.keys()]
        .map((oid, i) => `{name: ${names[i]}, oid: ${oid}, type: counter, is_table: true}`)
        .join(", ");
    const load = (...names: string[]) => {
      const found = plan({ metrics_file: file("disk.yaml", `oids: {disk: [${objects(names)}]}`) });
      return [found.columns.map(({ oid }) => oid), found.corrections.length] as const;
    };
    expect(load("diskIOReads", "diskIOWrites")).toEqual([[...wrongOids.values()], 2]);
    expect(load("diskIONRead", "diskIONWritten")).toEqual([[...wrongOids.keys()], 0]);
  });

  test("a pipe is not waited for, and a file without end is not read", () => {
    const pipe = join(folder, "pipe.yaml");
    expect(Bun.spawnSync(["mkfifo", pipe]).success).toBe(true);
    expect(() => plan({ devices_file: "pipe.yaml" })).toThrow(/pipe\.yaml is not a plain file/);
    truncateSync(join(folder, file("sparse.yaml", "")), 3 * 2 ** 30);
    expect(() => plan({ metrics_file: "sparse.yaml" })).toThrow(/sparse\.yaml has more than 1048576 bytes/);
  });

  test("what is wrong in a file is named by its path, never with a community", () => {
    const bad = "devices: [{host: a b, community: TopSecret, version: '4', comunity: TopSecret2}]";
    const name = file("devices.yaml", bad);
    expect(() => plan({ devices_file: name })).toThrow(/devices\.yaml: .*devices\.0\.host: is no host name/);
    expect(() => plan({ devices_file: name })).toThrow(/must be 1, 2c or 3/);
    expect(() => plan({ devices_file: name })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining("TopSecret") }),
    );
    expect(() => plan({ devices_file: "not-there.yaml" })).toThrow(/Cannot read .*not-there\.yaml: ENOENT/);
    expect(() => plan({ metrics_file: file("oid.yaml", "oids: {a: [{name: x, oid: 1.3.x}]}") })).toThrow("is no OID");
  });

  test("a file that may not be read is said to be that, and not to be wrong", () => {
    const name = file("closed.yaml", "devices: []");
    chmodSync(join(folder, name), 0o000);
    chmodSync(folder, 0o755);
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    try {
      expect(() => plan({ devices_file: name })).toThrow(
        expect.objectContaining({ code: "privilege_missing", message: expect.stringContaining("permission denied") }),
      );
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
    expect(() => plan({ devices_file: "." })).toThrow(expect.objectContaining({ code: "config_invalid" }));
  });

  test.skipIf(!corpora)("the first generation's metrics load unchanged, and are the built-in ones", () => {
    const { corrections, ...loaded } = plan({ metrics_file: old("snmp_metrics_config.yaml") });
    expect(corrections.map((line) => line.match(/[.\d]{9,}/g) ?? [])).toEqual([...wrongOids]);
    const { rowsMax, corrections: none, ...builtIn } = plan({});
    expect(none).toEqual([]);
    expect({ ...loaded, rowsMax }).toEqual({
      ...builtIn,
      rowsMax,
      scalars: expect.arrayContaining([...builtIn.scalars]),
      columns: expect.arrayContaining([...builtIn.columns]),
    });
    expect(loaded.rowsMax).toBe(100);
    const raw = parseYaml(readFileSync(old("snmp_metrics_config.yaml"), "utf8"), "old") as OldFile;
    const objects = Object.entries(raw.metrics).flatMap(([category, { oids }]) =>
      oids.map(({ name, oid, is_table = false }) => `${category} ${name} ${oid} ${is_table}`),
    );
    const ours = snmpCategories.flatMap(({ name: category, objects: all }) =>
      all.map(({ name, oid, isTable }) => `${category} ${name} ${oid} ${isTable}`),
    );
    const right = objects.map((line) => line.replace(/[.\d]{9,}/, (oid) => wrongOids.get(oid) ?? oid));
    expect(ours.toSorted()).toEqual(right.toSorted());
    expect(right.filter((line, i) => line !== objects[i])).toHaveLength(wrongOids.size);
    expect(objects).toHaveLength(29);
    for (const [profile, { enabled_categories }] of Object.entries(raw.profiles)) {
      const names = (config: Record<string, unknown>) =>
        new Set([...plan(config).scalars, ...plan(config).columns].map(({ name }) => name));
      expect(names({ profile })).toEqual(names({ profile, metrics_file: old("snmp_metrics_config.yaml") }));
      expect(enabled_categories.length).toBeGreaterThan(0);
    }
  });

  test.skipIf(!corpora)("the first generation's agent file loads unchanged: its device and its objects", () => {
    const { devices, scalars, columns, readsInterfaces } = plan({ devices_file: old("snmp_agent.yaml") });
    expect(devices).toMatchObject([{ name: "localhost", host: "localhost", port: 161, version: "2c" }]);
    expect(devices[0]?.community?.reveal()).toBe("public");
    expect(scalars.map(({ name }) => name)).toEqual(["sysDescr", "sysUpTime", "sysContact", "sysName", "sysLocation"]);
    expect([columns.length, readsInterfaces]).toEqual([0, false]);
  });
});
