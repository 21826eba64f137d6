import { AmoskysError } from "../core/errors.ts";
import { parseYaml } from "./yaml.ts";

/** Variables of the first generation and of containers, and the setting each stands for. */
const environmentNames: Readonly<Record<string, string>> = {
  EVENTBUS_HOST: "eventbus.host",
  EVENTBUS_PORT: "eventbus.port",
  BUS_HOST: "eventbus.host",
  BUS_SERVER_HOST: "eventbus.host",
  BUS_SERVER_PORT: "eventbus.port",
  BUS_OVERLOAD: "eventbus.overload_mode",
  BUS_MAX_INFLIGHT: "eventbus.max_inflight",
  BUS_HARD_MAX: "eventbus.hard_max",
  BUS_HEALTH_PORT: "eventbus.health_port",
  BUS_METRICS_PORT_1: "eventbus.metrics_port_1",
  BUS_METRICS_PORT_2: "eventbus.metrics_port_2",
  BUS_METRICS_DISABLE: "eventbus.metrics_disabled",
  BUS_MAX_ENV_BYTES: "agent.max_env_bytes",
  IS_BUS_ADDRESS: "agent.bus_address",
  BUS_ADDRESS: "agent.bus_address",
  IS_WAL_PATH: "agent.wal_path",
  IS_CERT_DIR: "agent.cert_dir",
  LOGLEVEL: "agent.log_level",
  IS_LOG_LEVEL: "agent.log_level",
  IS_MAX_ENV_BYTES: "agent.max_env_bytes",
  IS_SEND_RATE: "agent.send_rate",
  IS_RETRY_MAX: "agent.retry_max",
  IS_RETRY_TIMEOUT: "agent.retry_timeout",
  IS_METRICS_PORT: "agent.metrics_port",
  IS_HEALTH_PORT: "agent.health_port",
  IS_DATA_DIR: "storage.data_dir",
  IS_WAL_DIR: "storage.wal_dir",
  IS_STORAGE_DIR: "storage.storage_dir",
  IS_MAX_WAL_BYTES: "storage.max_wal_bytes",
  AMOSKYS_AGENT_ID: "agent.name",
  AMOSKYS_ROLE: "up.roles",
};

/** Ours that are no settings: they are read before a configuration exists, or belong to the process. */
const notSettings = new Set(["AMOSKYS_HOME", "AMOSKYS_SUPERVISOR", "AMOSKYS_CORPORA", "AMOSKYS_LONG"]);

/** Accepted and without effect, each with the reason. */
const ignored: Readonly<Record<string, string>> = {
  BUS_DEDUPE_TTL_SEC: "duplicates are known as long as the record is kept",
};

/** One setting from the environment: `path` is dotted. */
export interface EnvironmentSetting {
  readonly name: string;
  readonly path: string;
  readonly text: string;
}

/** Reads the settings of an environment; later names of the table above win, then AMOSKYS_SECTION__KEY. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): {
  settings: EnvironmentSetting[];
  notices: string[];
} {
  const settings: EnvironmentSetting[] = [];
  const notices: string[] = [];
  for (const [name, path] of Object.entries(environmentNames)) {
    const text = environment[name];
    if (text !== undefined && text !== "") settings.push({ name, path, text });
  }
  for (const [name, text] of Object.entries(environment)) {
    if (text === undefined) continue;
    const reason = ignored[name];
    if (reason) notices.push(`${name} has no effect: ${reason}`);
    if (!name.startsWith("AMOSKYS_") || notSettings.has(name) || name in environmentNames) continue;
    const path = name.slice("AMOSKYS_".length).toLowerCase().replaceAll("__", ".");
    if (path.includes(".")) settings.push({ name, path, text });
    else notices.push(`${name} is not known: settings are written AMOSKYS_SECTION__KEY, with two underscores`);
  }
  return { settings, notices };
}

const words: Readonly<Record<string, boolean>> = {
  on: true,
  true: true,
  yes: true,
  "1": true,
  off: false,
  false: false,
  no: false,
  "0": false,
};

/** Settings whose text is never taken for a number or a word. */
const secretName = /(^|[._])(community|password|secret)$/;

/**
 * The value a text stands for where the setting is of type `like` (that of its default). A list is `a,b`, or YAML in
 * brackets.
 */
export function valueFromText(setting: EnvironmentSetting, like: unknown): unknown {
  const { text, name } = setting;
  if (setting.path === "eventbus.overload_mode") {
    const on = words[text.toLowerCase()];
    return on === undefined ? text.toLowerCase() : on ? "on" : "off";
  }
  if (secretName.test(setting.path)) return text;
  if (Array.isArray(like))
    return text.startsWith("[") ? parseYaml(text, name) : text.split(",").map((part) => part.trim());
  if (typeof like === "boolean") {
    const value = words[text.toLowerCase()];
    if (value === undefined) {
      throw new AmoskysError("config_invalid", `${name} must be on or off, is "${text}"`, { hint: `unset ${name}` });
    }
    return value;
  }
  const numeric = /^-?\d+(\.\d+)?$/.test(text);
  if (numeric && typeof like !== "string") return Number(text);
  return text;
}
