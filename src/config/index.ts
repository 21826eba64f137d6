/**
 * Settings: defaults, file, environment and flags, merged once, checked whole, frozen. Knows no role and no collector:
 * roles hand in their sections as zod schemas. Reads files and the environment it is given, writes nothing.
 */
export { type LoadConfigOptions, type LoadedConfig, loadConfig } from "./load.ts";
export { type BaseConfig, baseSections, bytesSchema } from "./schema.ts";
export { maskSecrets, Secret, secretText } from "./secret.ts";
export { readSettingsFile } from "./settings-file.ts";
export { formatYaml, parseYaml } from "./yaml.ts";
