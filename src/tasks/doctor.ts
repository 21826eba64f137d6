import { release } from "node:os";
import { resolve } from "node:path";
import { type BaseConfig, baseSections } from "../config/index.ts";
import type { Clock } from "../core/clock.ts";
import { AmoskysError } from "../core/errors.ts";
import { checkHomeCertificates, type HomeIdentity } from "./doctor-certificates.ts";
import { type DoctorCheck, failedCheck } from "./doctor-check.ts";
import { checkClock, readClocks } from "./doctor-clock.ts";
import { checkDisk } from "./doctor-disk.ts";
import { checkDescriptors, checkKernelTypes, checkPacketRing } from "./doctor-kernel.ts";
import { checkPorts, type RunningRole } from "./doctor-ports.ts";
import { checkPrivileges } from "./doctor-privileges.ts";

export interface DoctorOptions {
  /** Absolute. */
  readonly home: string;
  /** The merged configuration, or why there is none; then its defaults are looked at. */
  readonly config: BaseConfig | AmoskysError;
  /** The identity of the home, by its configuration or the usual places. */
  readonly identity: HomeIdentity;
  /** Roles of this home that run now. */
  readonly running: readonly RunningRole[];
  /** Of this executable. */
  readonly version: string;
  readonly clock: Clock;
}

function defaultConfig(): BaseConfig {
  const sections = Object.entries(baseSections).map(([name, section]) => [name, section.parse(undefined)]);
  return Object.fromEntries(sections) as BaseConfig;
}

function checkConfiguration(config: BaseConfig | AmoskysError): DoctorCheck {
  const name = "configuration";
  if (config instanceof AmoskysError)
    return failedCheck(name, "no role starts; the rest was looked at by defaults", config);
  return { name, status: "ok", found: `roles: ${config.up.roles.join(", ") || "none"}` };
}

function checkVersions(version: string): DoctorCheck {
  const figures = {
    amoskys: version,
    bun: Bun.version,
    sqlite: process.versions.sqlite ?? "unknown",
    kernel: release(),
  };
  const { amoskys, bun, sqlite, kernel } = figures;
  const found = `amoskys ${amoskys}, Bun ${bun}, SQLite ${sqlite}, kernel ${kernel}`;
  return { name: "versions", status: "ok", found, figures };
}

/** Looks at everything that this host has to offer to the roles of a home. Changes nothing; never throws. */
export async function examineHost(options: DoctorOptions): Promise<DoctorCheck[]> {
  const { home, clock, running } = options;
  const config = options.config instanceof AmoskysError ? defaultConfig() : options.config;
  const captures = config.up.roles.includes("flow");
  const before = readClocks(clock);
  const { wal_dir, max_wal_bytes: logBytesMax, bus_free_bytes_min: freeBytesMin } = config.storage;
  const path = resolve(home, wal_dir);
  return [
    await checkPrivileges(config.up.roles),
    await checkPacketRing(captures),
    await checkKernelTypes(),
    await checkDescriptors(),
    checkConfiguration(options.config),
    await checkPorts(config, running),
    await checkDisk({ path, freeBytesMin, logBytesMax, clock }),
    await checkHomeCertificates(options.identity, clock.wallMs()),
    await checkClock(clock, before),
    checkVersions(options.version),
  ];
}

/** The error that `doctor` ends with: the first failed check's; undefined where all that is needed is there. */
export function verdictOf(checks: readonly DoctorCheck[]): AmoskysError | undefined {
  const [first, ...more] = checks.filter(({ status }) => status === "fail");
  if (!first) return undefined;
  const others = more.length > 0 ? `; failed too: ${more.map(({ name }) => name).join(", ")}` : "";
  return new AmoskysError(first.code ?? "internal", `${first.name}: ${first.found}${others}`, {
    ...(first.hint !== undefined && { hint: first.hint }),
  });
}
