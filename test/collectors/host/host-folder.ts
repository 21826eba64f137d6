import { ProcFolder } from "../../procfs/proc-folder.ts";

const interfaceLine = (name: string, [bytesIn, packetsIn, bytesOut, packetsOut]: readonly (number | bigint)[]) =>
  `${name}: ${bytesIn} ${packetsIn} 1 2 0 0 0 0 ${bytesOut} ${packetsOut} 3 4 0 0 0 0\n`;

/** What changes from sample to sample. */
export interface HostState {
  readonly cpu: readonly number[];
  readonly cpu0?: readonly number[];
  /** Name, then bytes in, packets in, bytes out, packets out. */
  readonly interfaces?: Readonly<Record<string, readonly (number | bigint)[]>>;
  readonly indexes?: Readonly<Record<string, number>>;
  readonly disks?: string;
}

/** A folder with what the host collector reads of /proc and /sys. */
export class HostFolder extends ProcFolder {
  set({ cpu, cpu0 = cpu, interfaces = {}, indexes = {}, disks = "" }: HostState): void {
    this.write("stat", `cpu  ${cpu.join(" ")}\ncpu0 ${cpu0.join(" ")}\nbtime 1700000000\nctxt 77\n`);
    const lines = Object.entries(interfaces).map(([name, counters]) => interfaceLine(name, counters));
    this.write("net/dev", `Inter-| Receive\n face |bytes\n${lines.join("")}`);
    for (const [name, index] of Object.entries(indexes)) this.write(`class/net/${name}/ifindex`, `${index}\n`);
    this.write("diskstats", disks);
  }
}
