import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { AmoskysError, errnoOf } from "../../core/errors.ts";
import { serviceNames } from "../../protocols/index.ts";
import { goneHostsMax, type HostRecord } from "./known-hosts.ts";

/** Some hundred bytes a host and port; what is larger was not written here. */
const fileBytesMax = 256 << 20;

const serviceSchema = z.strictObject({
  service: z.enum(serviceNames),
  product: z.string().exactOptional(),
  version: z.string().exactOptional(),
  details: z.record(z.string(), z.string()).exactOptional(),
  complete: z.boolean(),
});

const portSchema = z.strictObject({
  port: z.int().min(1).max(65_535),
  service: serviceSchema.exactOptional(),
  banner: z.string().exactOptional(),
});

const hostSchema = z.strictObject({
  address: z.union([z.ipv4(), z.ipv6()]),
  hardwareAddress: z.string().optional(),
  vendor: z.string().optional(),
  name: z.string().optional(),
  method: z.enum(["ARP", "TCP"]),
  open: z.array(portSchema),
});

const goneSchema = hostSchema.extend({ goneMs: z.number() });

const scopeSchema = z.strictObject({ targets: z.array(z.string()), ports: z.array(z.number()) });
const fileSchema = z.strictObject({
  version: z.literal(1),
  scope: scopeSchema,
  hosts: z.array(hostSchema),
  // the first files of this version had none
  gone: z.array(goneSchema).max(goneHostsMax).default([]),
});

/** What was looked at. */
export type ScanScope = z.infer<typeof scopeSchema>;

/**
 * The hosts of the scan before and those that had gone by then, as a run before this one kept them; undefined where
 * none did, or where it looked at something else. Throws `config_invalid` where the file is none of ours or cannot be
 * read.
 */
export function loadLastScan(path: string, scope: ScanScope): HostRecord | undefined {
  try {
    if (statSync(path).size > fileBytesMax) throw new Error("it is too large");
    const kept = fileSchema.parse(JSON.parse(readFileSync(path, "utf8")));
    return isDeepStrictEqual(kept.scope, scope) ? { hosts: kept.hosts, gone: kept.gone } : undefined;
  } catch (caught) {
    const errno = errnoOf(caught);
    if (errno === "ENOENT") return undefined;
    throw new AmoskysError("config_invalid", `The last scan in ${path} cannot be used${errno ? `: ${errno}` : ""}`, {
      hint: `rm ${path}`,
      cause: caught,
    });
  }
}

/** Keeps what is known of hosts: the file is the old one or the new one, whole. Throws what the file system says. */
export function saveLastScan(path: string, scope: ScanScope, record: HostRecord): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fd = openSync(`${path}.new`, "w", 0o600);
  try {
    writeFileSync(fd, JSON.stringify({ version: 1, scope, ...record }));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(`${path}.new`, path);
}
