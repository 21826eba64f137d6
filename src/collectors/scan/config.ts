import { z } from "zod";
import { addressCount } from "../../core/ip-range.ts";
import { parseTarget } from "./parse-target.ts";
import { parsePorts } from "./port-list.ts";
import { checkDnsServer } from "./reverse-names.ts";

/** Text that a parser takes; what the parser throws is the problem that is reported. */
function parsed<T extends z.ZodType>(schema: T, parse: (value: z.output<T>) => unknown) {
  return schema.superRefine((value, context) => {
    try {
      parse(value);
    } catch (caught) {
      context.addIssue({ code: "custom", message: (caught as Error).message });
    }
  });
}

const target = parsed(z.string(), parseTarget);

/** Of all targets together; at the usual rate a scan of as many takes half an hour and more. */
const addressesMax = 262_144;

/** Throws where the targets have more addresses than that. */
function assertBounded(targets: readonly string[]): void {
  const counts = targets.map((text) => {
    const parsedTarget = parseTarget(text);
    return "name" in parsedTarget ? 1 : addressCount(parsedTarget);
  });
  if (counts.reduce((sum, count) => sum + count, 0) <= addressesMax) return;
  throw new Error(`has more than ${addressesMax} addresses in all`);
}
const portItem = parsed(z.union([z.string(), z.number()]), (item) => parsePorts([item]));

/** Ports of services that a network of offices and devices has. */
const usualPorts = [
  ...[21, 22, 23, 25, 53, 80, 110, 111, 139, 143, 389, 443, 445, 465, 515, 548, 587, 631, 636, 993, 995, 1433, 1521],
  ...[1723, 1883, 2049, 3306, 3389, 5000, 5432, 5900, 6379, 8000, 8080, 8443, 8883, 9100, 9200, 11211, 27017],
];

/** The section `scan` of the configuration. */
export const scanConfigSchema = z.strictObject({
  /**
   * Private ranges of at most 65,536 addresses, single addresses, and names of hosts; in all at most 262,144 addresses.
   * A name is looked up before each scan, and only what is private of that is scanned. Nothing else is asked. None may
   * be link-local IPv6.
   */
  targets: parsed(z.array(target).max(256), assertBounded).default([]),
  /** Seconds from the start of one scan to that of the next. */
  interval_s: z.number().min(10).max(604_800).default(3600),
  /** TCP ports: numbers and ranges. */
  ports: z.array(portItem).min(1).max(1024).default(usualPorts),
  /** Where ARP does not reach, an address of a range counts as a host when one of these answers, be it a refusal. */
  discovery_ports: z.array(portItem).min(1).max(64).default([22, 80, 443, 445]),
  /** Asks the networks that this host is on by ARP; needs CAP_NET_RAW. */
  arp: z.boolean().default(true),
  /** Connections begun in a second, and ARP questions asked in a second. */
  rate: z.number().min(1).max(100_000).default(500),
  /** Connections at once. */
  max_concurrent: z.int().min(1).max(2000).default(256),
  connect_timeout_s: z.number().min(0.05).max(30).default(1),
  /** Looks at what open ports say. */
  services: z.boolean().default(true),
  /** Open ports of one host that are looked at; further ones are told as open. */
  services_max: z.int().min(1).max(65_535).default(64),
  /** What one connection to a service may take, and what is kept of what it says. */
  banner_timeout_s: z.number().min(0.1).max(30).default(3),
  banner_bytes_max: z.int().min(64).max(65_536).default(4096),
  /** A DNS server that is asked for the names of addresses, `ADDRESS` or `ADDRESS:PORT`; without it nobody is. */
  resolver: parsed(z.string(), checkDnsServer).optional(),
});

export type ScanConfig = z.infer<typeof scanConfigSchema>;
