import type { CollectorCommand } from "./collector-command.ts";

/** `amoskys agent snmp`. */
export const snmpAgent: CollectorCommand = {
  name: "snmp",
  description: "network devices over SNMP v1, v2c and v3: system, interfaces, and configured objects",
  help: `
Devices, communities and users are in the section snmp of the configuration; snmp.metrics_file and snmp.devices_file
take files of the first generation. A device that does not answer is an event of status OFFLINE, and one that refuses
or answers in part of status DEGRADED; neither is an error.

Examples:
  amoskys agent snmp
  amoskys agent snmp --print --once`,
  exits: { 10: "config, or no device to poll", 14: "an algorithm is missing, or a file may not be read" },
};
