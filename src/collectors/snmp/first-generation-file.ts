import { z } from "zod";
import { parseYaml, readSettingsFile } from "../../config/index.ts";
import { AmoskysError, errnoOf } from "../../core/errors.ts";
import { systemError } from "../../core/system-error.ts";
import type { SnmpCategory, SnmpMetricDefinition } from "../../data/snmp-metrics.ts";
import { deviceSchema, type SnmpDeviceConfig } from "./config.ts";

const oidText = z.string().regex(/^\.?[0-2](\.\d{1,10}){1,127}$/, "is no OID");

const object = z.strictObject({
  name: z.string().min(1).max(128),
  oid: oidText,
  type: z.enum(["string", "gauge", "counter"]).optional(),
  unit: z.string().max(32).optional(),
  is_table: z.boolean().optional(),
  description: z.string().optional(),
  severity: z.string().optional(),
  thresholds: z.strictObject({ warning: z.number().optional(), critical: z.number().optional() }).optional(),
  vendor_specific: z.string().optional(),
});

const objects = z.array(object).max(1000);

const category = z.strictObject({
  enabled: z.boolean().default(true),
  description: z.string().optional(),
  oids: objects.default([]),
});

/** Sections that other parts of ours take care of: they may say anything. */
const ignored = z.unknown().optional();

const fileSchema = z.strictObject({
  metrics: z.record(z.string(), category).optional(),
  vendor_extensions: z.record(z.string(), category).optional(),
  profiles: z
    .record(z.string(), z.strictObject({ description: z.string().optional(), enabled_categories: z.array(z.string()) }))
    .optional(),
  advanced: z
    .looseObject({
      apply_thresholds: z.boolean().optional(),
      max_concurrent_requests: z.int().positive().optional(),
      table_walk: z.looseObject({ max_rows: z.int().positive().optional() }).optional(),
    })
    .optional(),
  devices: z.array(deviceSchema).nullish(),
  oids: z.record(z.string(), objects).optional(),
  agent: ignored,
  logging: ignored,
  metadata: ignored,
});

/** What a file of the first generation sets; what it does not speak of is undefined. */
export interface FirstGenerationFile {
  readonly devices: readonly SnmpDeviceConfig[];
  /** Categories that are on. */
  readonly categories: readonly SnmpCategory[] | undefined;
  readonly profiles: Readonly<Record<string, readonly string[]>> | undefined;
  readonly rowsMax: number | undefined;
  /** Whether thresholds raise the severity of an event. */
  readonly appliesThresholds: boolean;
  /** What was corrected in it, one text each. */
  readonly corrections: readonly string[];
}

/**
 * The first generation gave diskIOReads and diskIOWrites the OIDs at which UCD-DISKIO-MIB has diskIONRead and
 * diskIONWritten: bytes, that come round at 2^32. Nothing else of a file is touched.
 */
const correctedOids: Readonly<Record<string, readonly [wrong: string, right: string]>> = {
  diskIOReads: ["1.3.6.1.4.1.2021.13.15.1.1.3", "1.3.6.1.4.1.2021.13.15.1.1.5"],
  diskIOWrites: ["1.3.6.1.4.1.2021.13.15.1.1.4", "1.3.6.1.4.1.2021.13.15.1.1.6"],
};

function corrected(definition: SnmpMetricDefinition): SnmpMetricDefinition {
  const [wrong, right] = correctedOids[definition.name] ?? [];
  return right !== undefined && definition.oid === wrong ? { ...definition, oid: right } : definition;
}

function definition(input: z.infer<typeof object>, isTable: boolean): SnmpMetricDefinition {
  const { name, oid, type = "gauge", unit, thresholds } = input;
  return { name, oid: oid.replace(/^\./, ""), type, unit, thresholds, isTable: input.is_table ?? isTable };
}

function categoriesOf(file: z.infer<typeof fileSchema>): SnmpCategory[] | undefined {
  if (!file.metrics && !file.oids) return undefined;
  const found: SnmpCategory[] = [];
  for (const [name, { enabled, oids }] of Object.entries(file.metrics ?? {})) {
    if (enabled) found.push({ name, objects: oids.map((input) => definition(input, false)) });
  }
  for (const [name, { enabled, oids }] of Object.entries(file.vendor_extensions ?? {})) {
    if (enabled) found.push({ name, objects: oids.map((input) => definition(input, !input.oid.endsWith(".0"))) });
  }
  for (const [name, oids] of Object.entries(file.oids ?? {})) {
    found.push({ name: name === "system" ? "system_info" : name, objects: oids.map((o) => definition(o, false)) });
  }
  return found;
}

/**
 * Loads `snmp_metrics_config.yaml` or `snmp_agent.yaml` as the first generation wrote them. Throws `config_invalid`,
 * never with a value that could be a community, and `privilege_missing`.
 */
export function loadFirstGenerationFile(path: string): FirstGenerationFile {
  let text: string;
  try {
    text = readSettingsFile(path);
  } catch (caught) {
    if (caught instanceof AmoskysError) throw caught;
    const denied = systemError(caught, path);
    if (denied?.code === "privilege_missing") throw denied;
    // that it is not there, or no file, is a fault of the configuration that names it
    throw new AmoskysError("config_invalid", `Cannot read ${path}: ${errnoOf(caught)}`, {
      cause: caught,
      hint: "set snmp.metrics_file and snmp.devices_file",
    });
  }
  const parsed = fileSchema.safeParse(parseYaml(text, path) ?? {});
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path: at, message }) => `${at.map(String).join(".")}: ${message}`);
    throw new AmoskysError("config_invalid", `${path}: ${problems.join("; ")}`, {
      details: { problems: problems.map((problem) => `${path}: ${problem}`) },
    });
  }
  const file = parsed.data;
  const profiles =
    file.profiles &&
    Object.fromEntries(
      Object.entries(file.profiles).map(([name, { enabled_categories }]) => [name, enabled_categories]),
    );
  const categories = categoriesOf(file);
  const wrong = categories?.flatMap(({ objects }) => objects.filter((object) => corrected(object) !== object)) ?? [];
  return {
    devices: file.devices ?? [],
    categories: categories?.map(({ name, objects }) => ({ name, objects: objects.map(corrected) })),
    corrections: wrong.map(
      (object) => `${path}: ${object.oid} counts bytes: ${object.name} is ${corrected(object).oid}`,
    ),
    profiles,
    rowsMax: file.advanced?.table_walk?.max_rows,
    appliesThresholds: file.advanced?.apply_thresholds ?? true,
  };
}
