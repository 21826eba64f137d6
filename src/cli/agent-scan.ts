import type { CollectorCommand } from "./collector-command.ts";
import { listOption } from "./context.ts";

/** `amoskys agent scan`. */
export const scanAgent: CollectorCommand = {
  name: "scan",
  description: "hosts, open TCP ports and services of private networks, and what changed",
  configure: (command) =>
    command
      .option("--target <range>", "private range, single address or name of a host; may be given again", listOption)
      .option("--ports <list>", "TCP ports, such as 22,80,8000-8100", listOption),
  flags: async ({ target, ports }) => {
    const { parsePorts, parseTarget } = await import("../collectors/scan/index.ts");
    for (const text of (target as string[] | undefined) ?? []) parseTarget(text);
    if (ports !== undefined) parsePorts(ports as string[]);
    return { "scan.targets": target, "scan.ports": ports };
  },
  help: `
Scan only what you may scan. Without --target, scan.targets of the configuration says what; there is no default. Ranges
must be private, and so must be what a name stands for; a single address may be any but link-local IPv6. On networks of
this host hosts are found by ARP, which takes CAP_NET_RAW, elsewhere by TCP. What changed since the last scan is told,
also over a restart; a device that was gone is known again for 30 days. --print keeps no scan.

Examples:
  amoskys agent scan --target 192.168.1.0/24 --once --print
  amoskys agent scan --target 10.0.0.7 --target printer.example.org --ports 1-1024`,
  exits: { 2: "a target or port that is refused", 10: "config, or nothing to scan" },
};
