/**
 * The SNMP collector: asks network devices over SNMP v1, v2c and v3, and says once a round what they answered. May not
 * know signing, logs or the bus. Nothing here is durable; the socket of a device lives for one round.
 */
export { snmpCollector } from "./collector.ts";
export { snmpConfigSchema } from "./config.ts";
export { planProblems as snmpProblems } from "./plan.ts";
