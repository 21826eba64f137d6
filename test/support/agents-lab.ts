import { createVethPair, transfer, type VethPair } from "./network-namespace.ts";
import { RunningHome } from "./running-home.ts";
import { SnmpDaemon } from "./snmp-daemon.ts";

/** Every agent there is, as roles of `up`. */
export const agentRoles = ["flow", "proc", "host", "syscall", "snmp", "scan", "synthetic", "bus-agent"];

const webPort = 8080;

/** How often the agents look. */
export interface LabPace {
  /** Seconds between two rounds of those that look at this host and at the bus. */
  readonly intervalS: number;
  /** Events a second that are made up. */
  readonly syntheticRate: number;
  readonly scanIntervalS: number;
}

function configuration(pair: VethPair, snmpPort: number, { intervalS, syntheticRate, scanIntervalS }: LabPace): string {
  const local = ["proc", "host", "syscall", "bus"].map((section) => `${section}: {interval_s: ${intervalS}}`);
  const device = `{name: lab, host: ${pair.rightAddress}, port: ${snmpPort}, version: "2c", community: laboratory}`;
  return [
    `up: {roles: [bus, ${agentRoles.join(", ")}]}`,
    "flow: {interfaces: [veth0]}",
    ...local,
    `snmp: {interval_s: ${Math.max(5, intervalS)}, devices: [${device}]}`,
    `scan: {targets: [10.99.0.0/29], ports: [22, ${webPort}], interval_s: ${scanIntervalS}}`,
    `synthetic: {rate: ${syntheticRate}}`,
    "",
  ].join("\n");
}

/** A network of two namespaces: a home with all agents on one side, an SNMP device and a web server on the other. */
export class AgentsLab {
  readonly home: RunningHome;
  readonly #pair: VethPair;
  readonly #daemon: SnmpDaemon;
  readonly #web: Bun.Subprocess;

  private constructor(home: RunningHome, pair: VethPair, daemon: SnmpDaemon, web: Bun.Subprocess) {
    this.home = home;
    this.#pair = pair;
    this.#daemon = daemon;
    this.#web = web;
  }

  /** Starts the network and `up`, and waits until all of it is healthy. */
  static async start(pace: LabPace): Promise<AgentsLab> {
    const pair = createVethPair();
    pair.up();
    const place = { namespace: pair.right, host: pair.rightAddress };
    const daemon = await SnmpDaemon.start("laboratory", [], place);
    if (!daemon) throw new Error("snmpd cannot be had");
    const page = `Bun.serve({ hostname: "${pair.rightAddress}", port: ${webPort}, fetch: () => new Response("lab") })`;
    const web = Bun.spawn(pair.right.command(["bun", "-e", page]), { stdio: ["ignore", "ignore", "inherit"] });
    const config = configuration(pair, daemon.port, pace);
    const lab = new AgentsLab(new RunningHome({ wrapper: pair.left.command([]), config }), pair, daemon, web);
    try {
      lab.home.up();
      for (const role of ["bus", ...agentRoles]) await lab.home.untilState(role, "healthy");
      return lab;
    } catch (caught) {
      await lab.stop();
      throw caught;
    }
  }

  /** Gives the agents something to see until the signal: programs and connections. */
  async keepBusy(signal: AbortSignal): Promise<void> {
    const { left, right, rightAddress } = this.#pair;
    for (let port = 20_000; !signal.aborted; port = port === 29_999 ? 20_000 : port + 1) {
      await transfer({ from: left, to: right, address: rightAddress, port, bytes: 200_000 });
      for (let n = 0; n < 10; n += 1) Bun.spawnSync(["true"]);
      await Bun.sleep(500);
    }
  }

  /** Ends everything and removes it. */
  async stop(): Promise<void> {
    await this.home.remove();
    this.#web.kill();
    await this.#daemon.stop();
    this.#pair.remove();
  }
}
