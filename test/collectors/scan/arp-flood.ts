// Scans the other end of the network namespace that this program runs in twice. After the first scan that end answers
// ARP no more, and this program prints a line, for who floods it from then on; then what was told and logged, as JSON.
import { runScans, statusOf } from "./run-scans.ts";
import type { Unplugged } from "./unplug.ts";

/** What this program prints behind that line, as JSON. */
export type Flooded = Unplugged;

const [other = "", address = ""] = process.argv.slice(2);
const config = { targets: [address], ports: [22], connect_timeout_s: 0.1, arp: true };
const { telemetry, logged } = await runScans(config, 2, (round) => {
  if (round !== 1) return;
  Bun.spawnSync(["ip", "-n", other, "link", "set", "veth0", "arp", "off"], { stderr: "inherit" });
  process.stdout.write("flood\n");
  Bun.sleepSync(200);
});
process.stdout.write(JSON.stringify({ told: telemetry.map(statusOf), logged } satisfies Flooded));
