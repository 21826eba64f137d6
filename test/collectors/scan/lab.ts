import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NetworkNamespace } from "../../support/network-namespace.ts";
import { daemonOf } from "./lab-daemons.ts";

export interface LabHost {
  readonly address: string;
  readonly hardwareAddress: string;
  readonly services: readonly (readonly [number, string])[];
  /** `drops`: it answers ARP and nothing else. `mute`: it does not answer ARP either. */
  readonly mood?: "drops" | "mute";
  /** The host of the lab that it is behind, and that forwards to it. */
  readonly behind?: string;
}

/** The scanner's own address in the lab. */
export const scannerAddress = "10.98.0.1";

interface Child {
  readonly process: Bun.Subprocess;
  readonly signal: NodeJS.Signals;
}

/**
 * Hosts in namespaces of their own on one bridge, and a namespace to scan them from. Services are Debian's servers;
 * what Debian has not, or this machine cannot get, is spoken by lab-server.ts.
 */
export class Lab {
  readonly scanner: NetworkNamespace;
  /** Of the lab; removed with it. */
  readonly folder = mkdtempSync(join(tmpdir(), "amoskys-lab-"));
  readonly #spaces = new Map<string, NetworkNamespace>();
  readonly #children: Child[] = [];

  private constructor() {
    this.scanner = this.#space(scannerAddress);
    this.scanner.ip("link", "add", "br0", "type", "bridge");
    this.scanner.ip("address", "add", `${scannerAddress}/24`, "dev", "br0");
    this.scanner.ip("link", "set", "br0", "up");
    chmodSync(this.folder, 0o755);
  }

  static async open(hosts: readonly LabHost[]): Promise<Lab> {
    const lab = new Lab();
    try {
      lab.#makeCertificate();
      for (const [index, host] of hosts.entries()) lab.#join(index, host);
      await Promise.all(hosts.map((host) => lab.#serve(host)));
      return lab;
    } catch (caught) {
      await lab.close();
      throw caught;
    }
  }

  /** Runs a program in the namespace of the scanner to its end. */
  async run(...argv: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
    const child = Bun.spawn(this.scanner.command(argv), { stdin: "ignore", stdout: "pipe", stderr: "pipe", cwd: "/" });
    const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return { status: await child.exited, stdout, stderr };
  }

  async close(): Promise<void> {
    for (const { process, signal } of this.#children) process.kill(signal);
    for (const { process } of this.#children) {
      const timer = setTimeout(() => process.kill("SIGKILL"), 2000);
      await process.exited;
      clearTimeout(timer);
    }
    for (const space of this.#spaces.values()) space.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #space(address: string): NetworkNamespace {
    const space = new NetworkNamespace();
    this.#spaces.set(address, space);
    space.ip("link", "set", "lo", "up");
    return space;
  }

  #makeCertificate(): void {
    const files = ["-keyout", join(this.folder, "key"), "-out", join(this.folder, "cert"), "-subj", "/CN=lab"];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    const made = Bun.spawnSync(["openssl", "req", "-x509", ...curve, "-nodes", "-days", "1", ...files]);
    if (made.exitCode !== 0) throw new Error(made.stderr.toString());
  }

  /** A veth pair to the bridge, or to the host before it. */
  #join(index: number, { address, hardwareAddress, mood, behind }: LabHost): void {
    const space = this.#space(address);
    const before = this.#spaces.get(behind ?? scannerAddress) as NetworkNamespace;
    const link = `host${index}`;
    const set = (where: NetworkNamespace, name: string, value: number) =>
      where.read("sh", "-c", `echo ${value} > /proc/sys/net/ipv4/${name}`);
    before.ip("link", "add", link, "type", "veth", "peer", "name", "veth0", "netns", space.name);
    before.ip("link", "set", link, ...(behind ? [] : ["master", "br0"]), "up");
    space.ip("link", "set", "veth0", "address", hardwareAddress);
    space.ip("address", "add", `${address}/24`, "dev", "veth0");
    space.ip("link", "set", "veth0", "up");
    set(space, "ip_unprivileged_port_start", 0);
    if (mood === "mute") set(space, "conf/all/arp_ignore", 8);
    if (mood === "drops") {
      for (const scope of ["all", "veth0"]) set(space, `conf/${scope}/rp_filter`, 0);
      space.ip("route", "add", "blackhole", `${scannerAddress}/32`);
    }
    if (behind) {
      const gateway = address.replace(/\d+$/, "1");
      before.ip("address", "add", `${gateway}/24`, "dev", link);
      set(before, "ip_forward", 1);
      space.ip("route", "add", "default", "via", gateway);
      this.scanner.ip("route", "add", `${address}/32`, "via", behind);
    }
  }

  async #serve({ address, services }: LabHost): Promise<void> {
    const space = this.#spaces.get(address) as NetworkNamespace;
    const spoken: (readonly [number, string])[] = [];
    for (const [port, kind] of services) {
      const [cert, key] = [join(this.folder, "cert"), join(this.folder, "key")];
      const daemon = daemonOf(kind, { address, port, folder: join(this.folder, `${address}-${port}`), cert, key });
      if (daemon) this.#start(space.command(daemon.argv), daemon.environment, daemon.signal);
      else spoken.push([port, kind]);
    }
    if (spoken.length > 0) {
      const program = [process.execPath, join(import.meta.dir, "lab-services.ts")];
      const given = [address, JSON.stringify(spoken), join(this.folder, "cert"), join(this.folder, "key")];
      this.#start(space.command([...program, ...given]), process.env);
    }
    const expected = services.map(([port]) => port.toString(16).toUpperCase().padStart(4, "0"));
    for (let tries = 0; tries < 200; tries += 1) {
      const listening = space.read("cat", "/proc/net/tcp");
      if (expected.every((port) => new RegExp(`:${port} 00000000:0000 0A `).test(listening))) return;
      await Bun.sleep(50);
    }
    throw new Error(`the services of ${address} did not start`);
  }

  #start(argv: string[], environment: Record<string, string | undefined>, signal: NodeJS.Signals = "SIGTERM"): void {
    const options = { stdin: "ignore", stdout: Bun.file(join(this.folder, "log")), stderr: "ignore" } as const;
    this.#children.push({ process: Bun.spawn(argv, { ...options, env: environment, cwd: "/" }), signal });
  }
}
