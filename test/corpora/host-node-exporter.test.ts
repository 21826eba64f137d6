import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hostTelemetry } from "../../src/collectors/host/decode.ts";
import { hostConfigSchema } from "../../src/collectors/host/index.ts";
import { HostSource } from "../../src/collectors/host/source.ts";
import { cpuModes, parseSystemStat, ticksPerSecond } from "../../src/procfs/index.ts";
import { Collected } from "../collectors/proc/run-collector.ts";

const corpora = process.env.AMOSKYS_CORPORA;
if (corpora === undefined) process.stderr.write("AMOSKYS_CORPORA is not set: host metrics are not compared\n");
const root = join(corpora ?? "", "procfs");

/** Values of a text exposition by name and labels, as in `node_cpu_seconds_total{cpu="0",mode="idle"}`. */
function exposition(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

/** Their name of a metric without labels, and ours. */
const plain: readonly (readonly [string, string])[] = [
  ["node_load1", "host.load.1m"],
  ["node_load5", "host.load.5m"],
  ["node_load15", "host.load.15m"],
  ["node_boot_time_seconds", "host.boot_time"],
  ["node_context_switches_total", "host.context_switches"],
  ["node_intr_total", "host.interrupts"],
  ["node_forks_total", "host.forks"],
  ["node_procs_running", "host.threads.running"],
  ["node_procs_blocked", "host.threads.blocked"],
  ["node_filefd_allocated", "host.files.open"],
  ["node_filefd_maximum", "host.files.max"],
  ["node_memory_MemTotal_bytes", "host.memory.total"],
  ["node_memory_MemFree_bytes", "host.memory.free"],
  ["node_memory_Buffers_bytes", "host.memory.buffers"],
  ["node_memory_Cached_bytes", "host.memory.cached"],
  ["node_memory_Shmem_bytes", "host.memory.shared"],
  ["node_memory_Active_bytes", "host.memory.active"],
  ["node_memory_Inactive_bytes", "host.memory.inactive"],
  ["node_memory_AnonPages_bytes", "host.memory.anonymous"],
  ["node_memory_Mapped_bytes", "host.memory.mapped"],
  ["node_memory_Slab_bytes", "host.memory.slab"],
  ["node_memory_SReclaimable_bytes", "host.memory.slab_reclaimable"],
  ["node_memory_SUnreclaim_bytes", "host.memory.slab_unreclaimable"],
  ["node_memory_KernelStack_bytes", "host.memory.kernel_stack"],
  ["node_memory_PageTables_bytes", "host.memory.page_tables"],
  ["node_memory_Dirty_bytes", "host.memory.dirty"],
  ["node_memory_Writeback_bytes", "host.memory.writeback"],
  ["node_memory_Mlocked_bytes", "host.memory.locked"],
  ["node_memory_Committed_AS_bytes", "host.memory.committed"],
  ["node_memory_CommitLimit_bytes", "host.memory.commit_limit"],
  ["node_memory_HardwareCorrupted_bytes", "host.memory.corrupted"],
  ["node_memory_SwapTotal_bytes", "host.swap.total"],
  ["node_memory_SwapFree_bytes", "host.swap.free"],
  ["node_memory_SwapCached_bytes", "host.swap.cached"],
  ["node_vmstat_pgfault", "host.memory.page_faults"],
  ["node_vmstat_pgmajfault", "host.memory.major_page_faults"],
  ["node_vmstat_pswpin", "host.swap.pages_in"],
  ["node_vmstat_pswpout", "host.swap.pages_out"],
  ["node_vmstat_oom_kill", "host.memory.oom_kills"],
  ["node_sockstat_sockets_used", "host.sockets.used"],
  ["node_sockstat_TCP_inuse", "host.sockets.in_use{protocol=tcp}"],
  ["node_sockstat_TCP6_inuse", "host.sockets.in_use{protocol=tcp6}"],
  ["node_sockstat_UDP_inuse", "host.sockets.in_use{protocol=udp}"],
  ["node_sockstat_UDP6_inuse", "host.sockets.in_use{protocol=udp6}"],
  ["node_sockstat_UDPLITE_inuse", "host.sockets.in_use{protocol=udplite}"],
  ["node_sockstat_UDPLITE6_inuse", "host.sockets.in_use{protocol=udplite6}"],
  ["node_sockstat_RAW_inuse", "host.sockets.in_use{protocol=raw}"],
  ["node_sockstat_RAW6_inuse", "host.sockets.in_use{protocol=raw6}"],
  ["node_sockstat_FRAG_inuse", "host.sockets.in_use{protocol=frag}"],
  ["node_sockstat_FRAG6_inuse", "host.sockets.in_use{protocol=frag6}"],
  ["node_sockstat_TCP_orphan", "host.sockets.tcp.orphaned"],
  ["node_sockstat_TCP_tw", "host.sockets.tcp.time_wait"],
  ["node_sockstat_TCP_alloc", "host.sockets.tcp.allocated"],
  ["node_sockstat_TCP_mem_bytes", "host.sockets.memory{protocol=tcp}"],
  ["node_sockstat_UDP_mem_bytes", "host.sockets.memory{protocol=udp}"],
  ["node_sockstat_FRAG_memory", "host.sockets.memory{protocol=frag}"],
  ["node_sockstat_FRAG6_memory", "host.sockets.memory{protocol=frag6}"],
  ["node_pressure_cpu_waiting_seconds_total", "host.pressure.time{kind=some,resource=cpu}"],
  ["node_pressure_io_waiting_seconds_total", "host.pressure.time{kind=some,resource=io}"],
  ["node_pressure_io_stalled_seconds_total", "host.pressure.time{kind=full,resource=io}"],
  ["node_pressure_memory_waiting_seconds_total", "host.pressure.time{kind=some,resource=memory}"],
  ["node_pressure_memory_stalled_seconds_total", "host.pressure.time{kind=full,resource=memory}"],
  ["node_pressure_irq_stalled_seconds_total", "host.pressure.time{kind=full,resource=irq}"],
];

/** Their name of a metric by disk, and ours. */
const byDisk: readonly (readonly [string, string])[] = [
  ["node_disk_read_bytes_total", "host.disk.read_bytes"],
  ["node_disk_written_bytes_total", "host.disk.written_bytes"],
  ["node_disk_reads_completed_total", "host.disk.reads"],
  ["node_disk_reads_merged_total", "host.disk.reads_merged"],
  ["node_disk_read_time_seconds_total", "host.disk.read_time"],
  ["node_disk_writes_completed_total", "host.disk.writes"],
  ["node_disk_writes_merged_total", "host.disk.writes_merged"],
  ["node_disk_write_time_seconds_total", "host.disk.write_time"],
  ["node_disk_io_now", "host.disk.in_flight"],
  ["node_disk_io_time_seconds_total", "host.disk.busy_time"],
  ["node_disk_io_time_weighted_seconds_total", "host.disk.weighted_time"],
  ["node_disk_discards_completed_total", "host.disk.discards"],
  ["node_disk_discards_merged_total", "host.disk.discards_merged"],
  ["node_disk_discard_time_seconds_total", "host.disk.discard_time"],
  ["node_disk_flush_requests_total", "host.disk.flushes"],
  ["node_disk_flush_requests_time_seconds_total", "host.disk.flush_time"],
];

/** Devices that they count as disks and we do not: partitions of cards, and drives without a medium. */
const noDiskOfOurs = new Set(["mmcblk0p1", "mmcblk0p2", "sr0"]);

/** Pairs of their value and ours, by their name. */
async function pairs(theirs: ReadonlyMap<string, number>): Promise<Map<string, readonly [number, number | undefined]>> {
  const config = hostConfigSchema.parse({ proc_root: join(root, "proc"), sys_root: join(root, "sys") });
  const sample = await new HostSource(config).sample(() => 0);
  const collected = new Collected();
  const device = { deviceId: "h", deviceType: "ENDPOINT", protocol: "PROC", collector: "host" } as const;
  const telemetry = hostTelemetry(device, 5n, { before: sample, now: sample, seconds: 0 }, config);
  for (const event of telemetry.build()) collected.take(event);
  const ours = collected.metrics();
  const found = new Map<string, readonly [number, number | undefined]>();
  for (const [their, our] of plain) found.set(their, [theirs.get(their) ?? Number.NaN, ours.get(our)]);
  const byName = new Map(byDisk);
  for (const [key, value] of theirs) {
    const [, name = "", disk = ""] = /^(\w+)\{device="([^"]+)"\}$/.exec(key) ?? [];
    const our = byName.get(name);
    if (our !== undefined && !noDiskOfOurs.has(disk)) found.set(key, [value, ours.get(`${our}{disk=${disk}}`)]);
    const frequency = /^node_cpu_frequency_hertz\{.*cpu="(\d+)"/.exec(key)?.[1];
    if (frequency !== undefined) found.set(key, [value, ours.get(`host.cpu.frequency{cpu=${frequency}}`)]);
  }
  return found;
}

describe.skipIf(corpora === undefined)("host metrics beside node_exporter's", () => {
  const theirs = corpora === undefined ? new Map() : exposition(readFileSync(join(root, "e2e-output.txt"), "utf8"));
  const isEqual = (a: number, b: number | undefined) => b !== undefined && Math.abs(a - b) <= Math.abs(a) * 1e-12;

  test("every metric that both have is equal", async () => {
    const found = await pairs(theirs);
    const different = [...found].filter(([, [their, our]]) => !isEqual(their, our));
    expect(different).toEqual([]);
    expect(found.size).toBeGreaterThanOrEqual(211);
    process.stderr.write(`node_exporter: ${found.size} values of the host agent are equal\n`);
  });

  test("the times of every processor are equal", () => {
    const stat = parseSystemStat(readFileSync(join(root, "proc/stat"), "utf8"));
    let compared = 0;
    for (const [processor, ticks] of stat?.processors ?? []) {
      for (const mode of cpuModes) {
        const guest = mode === "guest" ? "user" : mode === "guest_nice" ? "nice" : undefined;
        const their = theirs.get(
          guest
            ? `node_cpu_guest_seconds_total{cpu="${processor}",mode="${guest}"}`
            : `node_cpu_seconds_total{cpu="${processor}",mode="${mode}"}`,
        );
        expect(isEqual(their, ticks[mode] / ticksPerSecond)).toBe(true);
        compared += 1;
      }
    }
    expect(compared).toBe(80);
    process.stderr.write(`node_exporter: ${compared} times of processors are equal\n`);
  });
});
