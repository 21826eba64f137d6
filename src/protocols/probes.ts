import { dnsProbe } from "./dns.ts";
import { httpProbe } from "./http.ts";
import { mqttProbe } from "./mqtt.ts";
import { postgresProbe } from "./postgres.ts";
import { redisProbe } from "./redis.ts";
import type { ServiceName } from "./service-facts.ts";
import { tlsProbe } from "./tls.ts";

/** What is sent to servers that wait for the client to speak. */
export type ProbeName = Extract<ServiceName, "http" | "tls" | "redis" | "postgres" | "mqtt" | "dns">;

const order: readonly ProbeName[] = ["http", "tls", "redis", "postgres", "mqtt", "dns"];

/** Where IANA, or habit, has these services: which probe comes first. The others follow all the same. */
const byPort: Readonly<Record<number, ProbeName>> = {
  53: "dns",
  443: "tls",
  465: "tls",
  636: "tls",
  853: "tls",
  989: "tls",
  990: "tls",
  993: "tls",
  995: "tls",
  1883: "mqtt",
  5432: "postgres",
  6379: "redis",
  6380: "tls",
  8443: "tls",
  8883: "tls",
};

/** The probes in the order that finds the service of a port soonest. */
export function probeOrder(port: number): readonly ProbeName[] {
  const first = byPort[port];
  return first ? [first, ...order.filter((name) => name !== first)] : order;
}

/** The bytes of a probe; `host` as the client names it, 32 `random` bytes for TLS. */
export function probeBytes(name: ProbeName, host: string, random: Uint8Array): Uint8Array {
  if (name === "http") return httpProbe(host);
  if (name === "tls") return tlsProbe(random);
  return { redis: redisProbe, postgres: postgresProbe, mqtt: mqttProbe, dns: dnsProbe }[name];
}
