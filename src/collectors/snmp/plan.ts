import { resolve } from "node:path";
import { AmoskysError } from "../../core/errors.ts";
import { nearest } from "../../core/nearest.ts";
import { type SnmpCategory, type SnmpMetricDefinition, snmpCategories, snmpProfiles } from "../../data/snmp-metrics.ts";
import type { SnmpConfig, SnmpDeviceConfig } from "./config.ts";
import { type FirstGenerationFile, loadFirstGenerationFile } from "./first-generation-file.ts";
import { libraryUser } from "./user-security.ts";

/** An object with the category it is in. */
export interface PlannedObject extends SnmpMetricDefinition {
  readonly category: string;
}

/** What is asked of each device. */
export interface SnmpPlan {
  readonly devices: readonly SnmpDeviceConfig[];
  readonly scalars: readonly PlannedObject[];
  readonly columns: readonly PlannedObject[];
  /** Whether the interfaces of IF-MIB are read. */
  readonly readsInterfaces: boolean;
  /** Whether the chassis of ENTITY-MIB is read. */
  readonly readsChassis: boolean;
  /** Of the interfaces' error counters, by the object's name. */
  readonly interfaceThresholds: Readonly<Record<string, SnmpMetricDefinition["thresholds"]>>;
  readonly appliesThresholds: boolean;
  /** Rows of a table other than the interfaces'. */
  readonly rowsMax: number;
  /** What was corrected in files, one text each. */
  readonly corrections: readonly string[];
}

/** The category whose objects the interfaces' own reader covers. */
const interfaceCategory = "network_interfaces";
/** The category that says what a device is. */
const systemCategory = "system_info";
/** ifTable (RFC 2863). */
const interfaceTable = "1.3.6.1.2.1.2.2.1.";

function selected(
  categories: readonly SnmpCategory[],
  profiles: Readonly<Record<string, readonly string[]>>,
  name: string | undefined,
): readonly SnmpCategory[] {
  if (name === undefined) return categories;
  const wanted = profiles[name];
  if (wanted) return categories.filter((category) => wanted.includes(category.name));
  const meant = nearest(name, Object.keys(profiles));
  throw new AmoskysError("config_invalid", `snmp.profile: there is no profile "${name}"`, {
    hint: meant ? `did you mean ${meant}?` : `one of ${Object.keys(profiles).join(", ")}`,
  });
}

/** Joins the configuration with the files it names; `home` is where relative paths start. Throws `config_invalid`. */
export function createPlan(config: SnmpConfig, home: string): SnmpPlan {
  const load = (path: string | undefined): FirstGenerationFile | undefined =>
    path === undefined ? undefined : loadFirstGenerationFile(resolve(home, path));
  // of two files that both speak of something, the metrics file is heard
  const files = [load(config.metrics_file), load(config.devices_file)].filter((file) => file !== undefined);
  const first = <T>(pick: (file: FirstGenerationFile) => T | undefined): T | undefined =>
    files.map(pick).find((value) => value !== undefined);
  const categories = selected(
    first((file) => file.categories) ?? snmpCategories,
    first((file) => file.profiles) ?? snmpProfiles,
    config.profile,
  );
  const objects = categories.flatMap(({ name, objects }) => objects.map((object) => ({ ...object, category: name })));
  const others = objects.filter(({ oid, isTable }) => !(isTable && oid.startsWith(interfaceTable)));
  return {
    devices: [...config.devices, ...files.flatMap(({ devices }) => devices)].filter(({ enabled }) => enabled),
    scalars: others.filter(({ isTable }) => !isTable),
    columns: others.filter(({ isTable }) => isTable),
    readsInterfaces: categories.some(({ name }) => name === interfaceCategory),
    readsChassis: categories.some(({ name }) => name === systemCategory),
    interfaceThresholds: Object.fromEntries(
      objects.filter((object) => !others.includes(object)).map(({ name, thresholds }) => [name, thresholds]),
    ),
    appliesThresholds: files.every(({ appliesThresholds }) => appliesThresholds),
    rowsMax: first((file) => file.rowsMax) ?? config.max_rows,
    corrections: files.flatMap(({ corrections }) => corrections),
  };
}

/** What keeps a configuration from being polled, one text each: its files, its profile, algorithms that are missing. */
export function planProblems(config: SnmpConfig, home: string): string[] {
  const files = [config.metrics_file, config.devices_file].filter((path) => path !== undefined);
  const inFiles = files.flatMap((path) => problemsOf(() => loadFirstGenerationFile(resolve(home, path))));
  if (inFiles.length > 0) return inFiles;
  return problemsOf(() => {
    for (const { user, version } of createPlan(config, home).devices) if (version === "3" && user) libraryUser(user);
    if (config.discovery.enabled && config.discovery.user) libraryUser(config.discovery.user);
  });
}

function problemsOf(attempt: () => unknown): string[] {
  try {
    attempt();
    return [];
  } catch (caught) {
    const { message, hint, details } = AmoskysError.from(caught);
    if (Array.isArray(details.problems)) return details.problems.map(String);
    return [hint === undefined ? message : `${message}; ${hint}`];
  }
}
