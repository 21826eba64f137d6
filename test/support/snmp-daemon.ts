// Debian's snmpd on a free port of loopback, with a configuration of its own in a temporary folder, and the net-snmp
// command line tools to ask it with.
import { createSocket } from "node:dgram";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { peerProgram } from "./debian.ts";
import type { NetworkNamespace } from "./network-namespace.ts";

const packages = ["snmpd", "snmp", "libsnmp40", "libsnmp-base", "libwrap0", "libpci3", "libnsl2"];

/** Path of one of net-snmp's programs, or undefined where it cannot be had (see debian.ts). */
export function snmpProgram(name: string): string | undefined {
  return peerProgram(name, packages);
}

/** The environment in which net-snmp's programs find their libraries and write nothing outside of `folder`. */
export function snmpEnvironment(program: string, folder: string): Record<string, string | undefined> {
  const root = join(dirname(program), "../..");
  const libraries = [join(root, "usr/lib/x86_64-linux-gnu"), join(root, "lib/x86_64-linux-gnu")].join(":");
  return { PATH: process.env.PATH, LD_LIBRARY_PATH: libraries, SNMP_PERSISTENT_DIR: folder, SNMPCONFPATH: folder };
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4");
  await new Promise<void>((ready) => socket.bind(0, "127.0.0.1", ready));
  const { port } = socket.address();
  await new Promise<void>((closed) => socket.close(closed));
  return port;
}

/** Where a daemon listens: an address inside of a namespace. */
export interface DaemonPlace {
  readonly namespace: NetworkNamespace;
  readonly host: string;
}

export class SnmpDaemon {
  readonly port: number;
  readonly #place: DaemonPlace | undefined;
  readonly #folder: string;
  readonly #process: Bun.Subprocess;

  private constructor(port: number, folder: string, process: Bun.Subprocess, place: DaemonPlace | undefined) {
    this.port = port;
    this.#place = place;
    this.#folder = folder;
    this.#process = process;
  }

  /**
   * Starts one, on loopback where no place is given, and waits until it answers `community`; undefined where there is
   * no snmpd.
   */
  static async start(
    community: string,
    configuration: readonly string[],
    place?: DaemonPlace,
  ): Promise<SnmpDaemon | undefined> {
    const program = snmpProgram("snmpd");
    if (program === undefined) return undefined;
    const folder = mkdtempSync(join(tmpdir(), "amoskys-snmpd-"));
    mkdirSync(join(folder, "state"));
    const port = await freeUdpPort();
    const address = `agentAddress udp:${place?.host ?? "127.0.0.1"}:${port}`;
    const lines = [address, `rocommunity ${community} ${place ? "default" : "127.0.0.1"}`, ...configuration];
    writeFileSync(join(folder, "snmpd.conf"), `${lines.join("\n")}\n`);
    const arguments_ = ["-f", "-C", "-c", join(folder, "snmpd.conf"), "-LF", "e", join(folder, "log"), "-m", ""];
    const command = [program, ...arguments_];
    const process = Bun.spawn(place ? place.namespace.command(command) : command, {
      env: snmpEnvironment(program, join(folder, "state")),
      stdio: ["ignore", "ignore", "ignore"],
    });
    const daemon = new SnmpDaemon(port, folder, process, place);
    for (let tries = 0; tries < 50; tries += 1) {
      if (daemon.get("1.3.6.1.2.1.1.3.0", ["-v2c", "-c", community]) !== undefined) return daemon;
      await Bun.sleep(100);
    }
    await daemon.stop();
    throw new Error("snmpd does not answer");
  }

  /** One value as snmpget prints it; undefined where there is none. */
  get(oid: string, access: readonly string[]): string | undefined {
    return this.#ask("snmpget", oid, access).get(oid);
  }

  /** All values below an OID, as snmpbulkwalk prints them: strings in hexadecimal, enumerations as numbers. */
  walk(oid: string, access: readonly string[]): ReadonlyMap<string, string> {
    return this.#ask("snmpbulkwalk", oid, access);
  }

  #ask(name: string, oid: string, access: readonly string[]): Map<string, string> {
    const program = snmpProgram(name) as string;
    const host = this.#place?.host ?? "127.0.0.1";
    const ask = [program, "-m", "", "-OnQextU", "-t", "1", ...access, `${host}:${this.port}`, oid];
    const { stdout } = Bun.spawnSync(this.#place?.namespace.command(ask) ?? ask, {
      env: snmpEnvironment(program, join(this.#folder, "state")),
    });
    const found = new Map<string, string>();
    // a long string goes on in the next line
    for (const line of stdout.toString().split(/\n(?=\.1)/)) {
      const match = /^\.([0-9.]+) = (.*)$/s.exec(line.trimEnd());
      if (match && !/^No Such/.test(match[2] as string)) found.set(match[1] as string, match[2] as string);
    }
    return found;
  }

  async stop(): Promise<void> {
    this.#process.kill();
    await this.#process.exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Text behind net-snmp's hexadecimal print, `"6C 6F "`. */
export function textOfHex(printed: string | undefined): string {
  const hex = (printed ?? "").replace(/[^0-9A-Fa-f]/g, "");
  return Buffer.from(hex, "hex").toString();
}
