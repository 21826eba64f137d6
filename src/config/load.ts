import { relative, resolve } from "node:path";
import type { z } from "zod";
import { AmoskysError, errnoOf } from "../core/errors.ts";
import { systemError } from "../core/system-error.ts";
import { readEnvironment, valueFromText } from "./environment.ts";
import { describeProblems } from "./problems.ts";
import { readSettingsFile } from "./settings-file.ts";
import { parseYaml } from "./yaml.ts";

export interface LoadConfigOptions<Schema extends z.ZodType> {
  readonly schema: Schema;
  /** Where relative paths start; absolute. */
  readonly home: string;
  /** A file that must exist. Without it `config/amoskys.yaml` of the home is read if it is there. */
  readonly file?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Settings from the command line, by dotted path. */
  readonly flags?: Readonly<Record<string, unknown>>;
}

export interface LoadedConfig<T> {
  readonly config: T;
  /** Where each setting came from, by dotted path: `default`, a file's name, a variable's name, or `flag`. */
  readonly origins: ReadonlyMap<string, string>;
  /** Lines that the person should see once. */
  readonly notices: readonly string[];
}

type Tree = { [key: string]: unknown };

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The leaves of a tree by dotted path; an empty map is a leaf. */
function leaves(tree: Tree, prefix = ""): [string, unknown][] {
  return Object.entries(tree).flatMap(([key, value]) =>
    isTree(value) && Object.keys(value).length > 0
      ? leaves(value, `${prefix}${key}.`)
      : [[prefix + key, value] as [string, unknown]],
  );
}

function put(tree: Tree, path: string, value: unknown): void {
  const keys = path.split(".");
  const last = keys.pop() as string;
  let current = tree;
  for (const key of keys) {
    if (!isTree(current[key])) current[key] = Object.create(null) as Tree;
    current = current[key] as Tree;
  }
  current[last] = value;
}

function readFileLayer(options: LoadConfigOptions<z.ZodType>): { name: string; tree: Tree } | undefined {
  const path = resolve(options.home, options.file ?? "config/amoskys.yaml");
  const name = relative(options.home, path);
  let text: string;
  try {
    text = readSettingsFile(path);
  } catch (caught) {
    if (errnoOf(caught) === "ENOENT" && options.file === undefined) return undefined;
    if (caught instanceof AmoskysError) throw caught;
    const denied = systemError(caught, path);
    if (denied?.code === "privilege_missing") throw denied;
    const why = errnoOf(caught) === "ENOENT" ? "there is no such file" : (denied?.message ?? String(caught));
    throw new AmoskysError("config_invalid", `Cannot read the configuration ${path}: ${why}`, {
      cause: caught,
      hint: `ls -ld ${path}`,
    });
  }
  const tree = parseYaml(text, name) ?? {};
  if (!isTree(tree)) {
    throw new AmoskysError("config_invalid", `${name} must be a map of sections`, { hint: `correct ${name}` });
  }
  return { name, tree };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}

/** Merges defaults, file, environment and flags, checks the whole, and freezes it. All problems are listed at once. */
export function loadConfig<Schema extends z.ZodType>(
  options: LoadConfigOptions<Schema>,
): LoadedConfig<z.infer<Schema>> {
  const defaults = Object.fromEntries(leaves(options.schema.parse({}) as Tree));
  const merged: Tree = Object.create(null) as Tree;
  const origins = new Map(Object.keys(defaults).map((path) => [path, "default"]));
  const set = (path: string, value: unknown, origin: string) => {
    put(merged, path, value);
    origins.set(path, origin);
  };
  const file = readFileLayer(options);
  for (const [path, value] of leaves(file?.tree ?? {})) {
    // a section whose lines are all commented out reads as null
    if (value !== null || path.includes(".")) set(path, value, file?.name ?? "");
  }
  const { settings, notices } = readEnvironment(options.environment);
  for (const setting of settings) set(setting.path, valueFromText(setting, defaults[setting.path]), setting.name);
  for (const [path, value] of Object.entries(options.flags ?? {})) {
    if (value !== undefined) set(path, value, "flag");
  }
  const parsed = options.schema.safeParse(merged);
  if (!parsed.success) {
    const variables = new Map(settings.map(({ path, name }) => [path, name]));
    throw invalid(parsed.error, options.schema, { file: file?.name, variables, origins });
  }
  return { config: deepFreeze(parsed.data), origins, notices };
}

/** Where the settings of a configuration that is wrong came from. */
interface Layers {
  readonly file: string | undefined;
  /** Names of variables by the path that each sets. */
  readonly variables: ReadonlyMap<string, string>;
  readonly origins: ReadonlyMap<string, string>;
}

function invalid(error: z.ZodError, schema: z.ZodType, { file, variables, origins }: Layers): AmoskysError {
  // an unknown section is told as a whole; its variables are those below it
  const variableOf = (path: string) =>
    [...variables].find(([at, name]) => (at === path || at.startsWith(`${path}.`)) && origins.get(at) === name)?.[1];
  const problems = describeProblems(error, schema, variableOf);
  const names = problems.flatMap(({ path }) => variableOf(path) ?? []);
  const isEnvironment = names.length === problems.length;
  const from = isEnvironment ? "The environment" : (file ?? "The configuration");
  const count = problems.length === 1 ? "" : ` has ${problems.length} problems`;
  const unset = `unset ${[...new Set(names)].join(" ")}`;
  const texts = problems.map(({ text }) => text);
  return new AmoskysError("config_invalid", `${from}${count}: ${texts.join("; ")}`, {
    hint: isEnvironment ? unset : `correct ${file ?? "the settings"}${names.length > 0 ? `, and ${unset}` : ""}`,
    details: { problems: texts },
  });
}
