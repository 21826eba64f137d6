import { join } from "node:path";
import { NetworkNamespace } from "../../support/network-namespace.ts";

export interface LabHost {
  readonly address: string;
  readonly hardwareAddress: string;
  readonly services: readonly (readonly [number, string])[];
}

/** Hosts in namespaces of their own on one bridge, and a namespace to scan them from. */
export class Lab {
  readonly scanner: NetworkNamespace;
  readonly #spaces: NetworkNamespace[] = [];
  readonly #children: Bun.Subprocess[] = [];

  private constructor() {
    this.scanner = this.#space();
    this.scanner.ip("link", "set", "lo", "up");
    this.scanner.ip("link", "add", "br0", "type", "bridge");
    this.scanner.ip("address", "add", "10.98.0.1/24", "dev", "br0");
    this.scanner.ip("link", "set", "br0", "up");
  }

  static async open(hosts: readonly LabHost[], tls: { cert: string; key: string }): Promise<Lab> {
    const lab = new Lab();
    try {
      for (const [index, host] of hosts.entries()) await lab.#add(index, host, tls);
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
    for (const child of this.#children) {
      child.kill();
      await child.exited;
    }
    for (const space of this.#spaces) space.remove();
  }

  #space(): NetworkNamespace {
    const space = new NetworkNamespace();
    this.#spaces.push(space);
    return space;
  }

  async #add(index: number, host: LabHost, tls: { cert: string; key: string }): Promise<void> {
    const space = this.#space();
    const link = `host${index}`;
    this.scanner.ip("link", "add", link, "type", "veth", "peer", "name", "veth0", "netns", space.name);
    this.scanner.ip("link", "set", link, "master", "br0", "up");
    space.ip("link", "set", "veth0", "address", host.hardwareAddress);
    space.ip("address", "add", `${host.address}/24`, "dev", "veth0");
    space.ip("link", "set", "lo", "up");
    space.ip("link", "set", "veth0", "up");
    const program = [process.execPath, join(import.meta.dir, "lab-services.ts")];
    const given = [host.address, JSON.stringify(host.services), tls.cert, tls.key];
    const child = Bun.spawn(space.command([...program, ...given]), { stdout: "pipe", stderr: "inherit" });
    this.#children.push(child);
    const { value } = await child.stdout.getReader().read();
    if (!value) throw new Error(`the services of ${host.address} did not start`);
  }
}
