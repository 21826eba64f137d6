// Scans the other end of the network namespace that this program runs in three times: as it is, with the peer of its
// interface down, and up again.
import { networkInterfaces } from "node:os";
import { runScans, statusOf } from "./run-scans.ts";

/** What this program prints, as JSON. */
export interface Unplugged {
  /** By telemetry of the host. */
  readonly told: readonly string[][];
  readonly logged: readonly string[];
}

const [other = "", address = "", interfaceName = ""] = process.argv.slice(2);

function setPeer(state: "up" | "down"): void {
  const made = Bun.spawnSync(["ip", "-n", other, "link", "set", "veth0", state], { stderr: "inherit" });
  if (made.exitCode !== 0) throw new Error(`the peer cannot be set ${state}`);
  for (let n = 0; n < 400 && (networkInterfaces()[interfaceName] !== undefined) !== (state === "up"); n += 1) {
    Bun.sleepSync(5);
  }
}
const config = { targets: [address], ports: [22], connect_timeout_s: 0.1, arp: true };
const { telemetry, logged } = await runScans(config, 3, (round) => {
  if (round === 1) setPeer("down");
  if (round === 2) setPeer("up");
});
process.stdout.write(JSON.stringify({ told: telemetry.map(statusOf), logged } satisfies Unplugged));
