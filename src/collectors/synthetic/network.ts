/** A network that does not exist: private (RFC 1918) and documentation (RFC 5737) addresses only. */

function range(prefix: string, first: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}.${first + i}`);
}

/** People's machines. */
export const workstations = range("10.20.1", 11, 14);

export const servers = {
  dns: "10.20.0.53",
  mail: "10.20.0.25",
  intranet: "10.20.0.80",
  shell: "10.20.0.22",
} as const;

/** Web servers outside, the first ones the most visited. */
export const webSites = [...range("192.0.2", 10, 24), ...range("198.51.100", 10, 16)];

/** Where attacks come from. */
export const outsiders = range("203.0.113", 20, 60);

/** Where implants report to and stolen data goes; no web sites. */
export const dropPoints = range("198.51.100", 150, 40);
