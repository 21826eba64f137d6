// Scans one host that is there, gone, and there again, in the network namespace that this program runs in; prints what
// was told. An address on the loopback interface is there; without it nobody is behind its neighbour entry.
import { runScans, type ScansSeen, statusOf } from "./run-scans.ts";

/** What this program prints, as JSON. */
export interface ComeAndGo extends Pick<ScansSeen, "changes" | "asked"> {
  /** By round. */
  readonly told: readonly string[][];
}

const [address = "", interfaceName = ""] = process.argv.slice(2);

function ip(...words: string[]): void {
  const made = Bun.spawnSync(["ip", ...words], { stderr: "inherit" });
  if (made.exitCode !== 0) throw new Error(`ip ${words.join(" ")} ended with ${made.exitCode}`);
}
const come = () => ip("address", "add", `${address}/32`, "dev", "lo");

ip("neighbour", "add", address, "lladdr", "02:00:00:00:00:09", "dev", interfaceName, "nud", "permanent");
come();
const config = { targets: [address], ports: [22], connect_timeout_s: 0.1 };
const { telemetry, changes, asked } = await runScans(config, 3, (round) => {
  if (round === 1) ip("address", "del", `${address}/32`, "dev", "lo");
  if (round === 2) come();
});
process.stdout.write(JSON.stringify({ told: telemetry.map(statusOf), changes, asked } satisfies ComeAndGo));
