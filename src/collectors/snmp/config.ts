import { z } from "zod";
import { secretText } from "../../config/index.ts";
import { parseSubnet } from "./subnet.ts";

const port = z.int().min(1).max(65_535);
const hostName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9._:%-]+$/, "is no host name or address");
const deviceName = z.string().min(1).max(128);

/** As net-snmp names them; `sha` is SHA-1. */
const authProtocols = ["md5", "sha", "sha224", "sha256", "sha384", "sha512"] as const;
/** `aes` is AES-128; `b` (Blumenthal) and `r` (Reeder, what Cisco does) are two ways to make a long key. */
const privProtocols = ["des", "aes", "aes192b", "aes192r", "aes256b", "aes256r"] as const;

const user = z.strictObject({
  name: z.string().min(1).max(32),
  auth: z.enum(authProtocols).optional(),
  auth_password: secretText().optional(),
  priv: z.enum(privProtocols).optional(),
  priv_password: secretText().optional(),
  /** Context of the objects, where an agent has several. */
  context: z.string().max(255).default(""),
});

/** How to be let in: a community for 1 and 2c, a user for 3. */
const access = {
  version: z
    .union([z.string(), z.number()])
    .transform(String)
    .pipe(z.enum(["1", "2c", "3"], { error: "must be 1, 2c or 3" }))
    .default("2c"),
  community: secretText().optional(),
  user: user.optional(),
};

function accessProblem({ version, community, user }: AccessInput): string | undefined {
  if (version !== "3") return community === undefined ? "community is missing" : undefined;
  if (user === undefined) return "user is missing: version 3 has no community";
  if (user.priv && !user.auth) return "user.priv needs user.auth";
  for (const kind of ["auth", "priv"] as const) {
    const password = user[`${kind}_password`];
    if (user[kind] && password === undefined) return `user.${kind}_password is missing`;
    // RFC 3414, 11.2: shorter passwords are not allowed
    if (user[kind] && (password?.reveal().length ?? 0) < 8) return `user.${kind}_password is shorter than 8 characters`;
  }
  return undefined;
}

function checkAccess(value: AccessInput, context: z.RefinementCtx): void {
  const message = accessProblem(value);
  if (message !== undefined) context.addIssue({ code: "custom", message });
}

interface AccessInput {
  readonly version: "1" | "2c" | "3";
  readonly community?: { reveal(): string } | undefined;
  readonly user?: z.infer<typeof user> | undefined;
}

export const deviceSchema = z
  .strictObject({
    /** Its device_id; without it sysName, or the address. */
    name: deviceName.optional(),
    host: hostName,
    port: port.default(161),
    ...access,
    enabled: z.boolean().default(true),
    tags: z.array(z.string().max(64)).max(32).default([]),
  })
  .superRefine(checkAccess);

const subnet = z.string().superRefine((text, context) => {
  try {
    parseSubnet(text);
  } catch (caught) {
    context.addIssue({ code: "custom", message: (caught as Error).message });
  }
});

const discovery = z
  .strictObject({
    enabled: z.boolean().default(false),
    /** Private IPv4 ranges, such as 192.168.1.0/24. Nothing beyond them is asked. */
    subnets: z.array(subnet).max(64).default([]),
    port: port.default(161),
    ...access,
    /** Addresses asked in a second. */
    rate: z.number().positive().max(1000).default(20),
    interval_s: z.int().min(60).max(604_800).default(3600),
    timeout_s: z.number().min(0.05).max(60).default(1),
  })
  .superRefine((value, context) => {
    if (!value.enabled) return;
    if (value.subnets.length === 0) context.addIssue({ code: "custom", message: "subnets are missing" });
    checkAccess(value, context);
  });

/** The section `snmp` of the configuration. */
export const snmpConfigSchema = z.strictObject({
  /** What to poll: host, port, version 1 or 2c with a community or 3 with a user. */
  devices: z.array(deviceSchema).max(10_000).default([]),
  /** Files of the first generation: metrics and profiles, or devices and OIDs. */
  metrics_file: z.string().min(1).optional(),
  devices_file: z.string().min(1).optional(),
  /** Which categories are asked for: minimal, standard, performance, network_focus, full; without it all. */
  profile: z.string().min(1).optional(),
  interval_s: z.number().min(1).max(86_400).default(60),
  /** What one device may take in a round; what was read by then is kept. */
  deadline_s: z.number().min(0.1).max(3600).default(30),
  /** Wait for the answer to a packet, and how often it is sent again. */
  timeout_s: z.number().min(0.05).max(60).default(2),
  retries: z.int().min(0).max(10).default(1),
  /** Devices asked at once. */
  max_concurrent: z.int().min(1).max(1000).default(32),
  /** Rows in one answer; less is asked for where an agent finds it too big. */
  max_repetitions: z.int().min(1).max(100).default(10),
  /** Rows read of a table; interfaces have a limit of their own. */
  max_rows: z.int().min(1).max(100_000).default(1000),
  max_interfaces: z.int().min(1).max(100_000).default(10_000),
  discovery: discovery.prefault({}),
});

export type SnmpConfig = z.infer<typeof snmpConfigSchema>;
export type SnmpDeviceConfig = z.infer<typeof deviceSchema>;
export type SnmpAccess = Pick<SnmpDeviceConfig, "version" | "community" | "user">;
