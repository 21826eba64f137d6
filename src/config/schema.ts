import { z } from "zod";
import { parseBytes } from "../core/quantities.ts";

const port = z.number().int().min(0).max(65_535);
const logLevel = z
  .string()
  .transform((level) => level.toLowerCase().replace("warning", "warn"))
  .pipe(z.enum(["debug", "info", "warn", "error"]));
const path = z.string().min(1);

/** A number of bytes, or a text such as `200MB`. */
export const bytesSchema = z.union([z.number(), z.string()]).transform((size, context) => {
  try {
    return parseBytes(String(size));
  } catch (caught) {
    context.addIssue({ code: "custom", message: (caught as Error).message });
    return z.NEVER;
  }
});

/** `on`, `off`, `auto`; the first generation's files say true and false. */
const overloadMode = z.union([
  z.enum(["on", "off", "auto"]),
  z.boolean().transform((on) => (on ? ("on" as const) : ("off" as const))),
]);

const eventbus = z.strictObject({
  host: z.string().default("0.0.0.0"),
  port: port.default(50_051),
  tls_enabled: z.boolean().default(true),
  cert_dir: path.default("certs"),
  overload_mode: overloadMode.default("auto"),
  max_inflight: z.number().int().positive().default(100),
  hard_max: z.number().int().positive().default(500),
  metrics_port_1: port.default(9000),
  metrics_port_2: port.default(9100),
  health_port: port.default(8080),
  metrics_disabled: z.boolean().default(false),
  log_level: logLevel.default("info"),
  legacy_default: z.enum(["none", "signed", "unsigned"]).default("none"),
});

const agent = z.strictObject({
  name: z.string().default("agent"),
  cert_dir: path.default("certs"),
  /** The flow agent's log; without it flowagent.db in storage.wal_dir. */
  wal_path: path.optional(),
  bus_address: z.string().default("localhost:50051"),
  max_env_bytes: z.number().int().positive().max(131_072).default(131_072),
  send_rate: z.number().nonnegative().default(0),
  retry_max: z.number().int().nonnegative().default(6),
  retry_timeout: z.number().positive().default(1),
  metrics_port: port.optional(),
  health_port: port.optional(),
  log_level: logLevel.default("info"),
});

/** Without a path the file lies in `cert_dir`, under the agent's name. */
const crypto = z.strictObject({
  ed25519_private_key: path.optional(),
  trust_map_path: path.default("config/trust_map.yaml"),
  ca_cert: path.optional(),
  server_cert: path.optional(),
  server_key: path.optional(),
  agent_cert: path.optional(),
  agent_key: path.optional(),
  operator_cert: path.optional(),
  operator_key: path.optional(),
  allow_group_read: z.boolean().default(false),
});

const storage = z.strictObject({
  data_dir: path.default("data"),
  wal_dir: path.default("data/wal"),
  storage_dir: path.default("data/storage"),
  metrics_dir: path.default("data/metrics"),
  max_wal_bytes: bytesSchema.default(209_715_200),
  bus_free_bytes_min: bytesSchema.default(268_435_456),
});

const up = z.strictObject({
  roles: z.array(z.string()).default(["bus", "flow", "proc", "host"]),
});

const observability = z.strictObject({
  host: z.string().default("127.0.0.1"),
});

/** The sections that every process knows; roles add a section for each collector. */
export const baseSections = {
  eventbus: eventbus.prefault({}),
  agent: agent.prefault({}),
  crypto: crypto.prefault({}),
  storage: storage.prefault({}),
  up: up.prefault({}),
  observability: observability.prefault({}),
};

const baseSchema = z.strictObject(baseSections);
export type BaseConfig = z.infer<typeof baseSchema>;
