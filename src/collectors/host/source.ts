import { type Mount, parseMountInfo } from "../../core/mount-info.ts";
import { matchesPattern } from "../../core/name-pattern.ts";
import {
  FileReader,
  isWholeDisk,
  type PressureLine,
  type PressureResource,
  parseCpuInfoHz,
  parseDiskStats,
  parseLoadAverage,
  parseMeminfo,
  parseNetDev,
  parsePressure,
  parseSocketStats,
  parseVmstat,
  pressureResources,
  readFileSystemUsage,
  readPageBytes,
  readScalingHz,
  readSystemStat,
  readTemperatures,
  readUptimeS,
  realMounts,
} from "../../procfs/index.ts";
import type { HostConfig } from "./config.ts";
import type {
  HostPart,
  HostSample,
  MeasuredFileSystem,
  MeasuredInterface,
  UnansweredFileSystem,
} from "./host-sample.ts";

/** A file system that takes longer to answer is left out of the round. */
const fileSystemMsMax = 2000;

/** Reads the parts of a host's sample from /proc and /sys. */
export class HostSource {
  readonly #config: HostConfig;
  readonly #reader = new FileReader(65_536);
  readonly #pageBytes = readPageBytes();

  constructor(config: HostConfig) {
    this.#config = config;
  }

  /** Throws `facility_missing` where there is no /proc/stat; other parts that are missing are named in the sample. */
  async sample(nowMs: () => number): Promise<HostSample> {
    const { proc_root: root } = this.#config;
    const { fileSystems, unanswered } = await this.#fileSystems();
    const memory = parseMeminfo(this.#text("meminfo"));
    const load = parseLoadAverage(this.#text("loadavg"));
    const pressure = this.#pressure();
    const frequencies = this.#frequencies();
    const temperatures = readTemperatures(this.#config.sys_root, this.#reader);
    const sockets = parseSocketStats(`${this.#text("net/sockstat")}\n${this.#text("net/sockstat6")}`);
    // what is counted is read in one go, next to the time it is counted over
    const stat = readSystemStat(root, this.#reader, "host.proc_root");
    const disks = parseDiskStats(this.#text("diskstats"));
    const interfaces = this.#interfaces();
    const atMs = nowMs();
    const missing: HostPart[] = [];
    if (memory.size === 0) missing.push("memory");
    if (load === undefined) missing.push("load");
    if (pressure.size === 0) missing.push("pressure");
    if (disks.length === 0) missing.push("disks");
    if (interfaces.length === 0) missing.push("interfaces");
    if (sockets.size === 0) missing.push("sockets");
    if (fileSystems.length + unanswered.length === 0) missing.push("file_systems");
    if (frequencies.size === 0) missing.push("frequencies");
    if (temperatures.length === 0) missing.push("temperatures");
    const isExcluded = (patterns: readonly string[], name: string) => patterns.some((p) => matchesPattern(p, name));
    return {
      atMs,
      uptimeS: readUptimeS(root),
      stat,
      memory,
      virtualMemory: parseVmstat(this.#text("vmstat")),
      load,
      pressure,
      disks: disks.filter(({ name }) => isWholeDisk(name) && !isExcluded(this.#config.exclude_disks, name)),
      interfaces: interfaces.filter(({ name }) => !isExcluded(this.#config.exclude_interfaces, name)),
      fileSystems,
      unanswered,
      sockets,
      pageBytes: this.#pageBytes,
      temperatures,
      frequencies,
      files: this.#files(),
      missing,
    };
  }

  #text(name: string): string {
    return this.#reader.readText(`${this.#config.proc_root}/${name}`) ?? "";
  }

  #pressure(): ReadonlyMap<PressureResource, readonly PressureLine[]> {
    const found = new Map<PressureResource, readonly PressureLine[]>();
    for (const resource of pressureResources) {
      const lines = parsePressure(this.#pressureText(resource));
      if (lines.length > 0) found.set(resource, lines);
    }
    return found;
  }

  /** A kernel with psi=0 has the files and refuses to read them. */
  #pressureText(resource: PressureResource): string {
    try {
      return this.#text(`pressure/${resource}`);
    } catch {
      return "";
    }
  }

  #frequencies(): ReadonlyMap<number, number> {
    const scaling = readScalingHz(this.#config.sys_root, this.#reader);
    return scaling.size > 0 ? scaling : parseCpuInfoHz(this.#text("cpuinfo"));
  }

  #interfaces(): MeasuredInterface[] {
    const { sys_root: sys } = this.#config;
    return parseNetDev(this.#text("net/dev")).map((stats) => {
      const index = this.#reader.readText(`${sys}/class/net/${stats.name}/ifindex`)?.trim();
      return { ...stats, index: index === undefined ? undefined : Number(index) };
    });
  }

  /** Of the first process, whose mounts are the host's, where it may be read. */
  async #fileSystems(): Promise<Pick<HostSample, "fileSystems" | "unanswered">> {
    const { exclude_mounts: excluded, network_file_systems: withNetwork } = this.#config;
    const mounts = parseMountInfo(this.#text("1/mountinfo") || this.#text("self/mountinfo"));
    const shown = realMounts(mounts, withNetwork).filter(
      ({ mountPoint }) => !excluded.some((pattern) => matchesPattern(pattern, mountPoint)),
    );
    const fileSystems: MeasuredFileSystem[] = [];
    const unanswered: UnansweredFileSystem[] = [];
    const answers = await Promise.all(shown.map(({ mountPoint }) => readFileSystemUsage(mountPoint, fileSystemMsMax)));
    for (const [index, answer] of answers.entries()) {
      const mount = shown[index] as Mount;
      if (answer.outcome === "told") fileSystems.push({ mount, usage: answer.usage });
      // it is unmounted by now, or mounted where this process does not see it
      else if (answer.outcome === "silent" || answer.errno !== "ENOENT") unanswered.push({ mount, ...answer });
    }
    return { fileSystems, unanswered };
  }

  #files(): HostSample["files"] {
    const [open, , max] = this.#text("sys/fs/file-nr").trim().split(/\s+/).map(Number);
    return open !== undefined && max !== undefined && open >= 0 && max >= 0 ? { open, max } : undefined;
  }
}
