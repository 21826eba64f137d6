/** One object of the SNMP configuration: what is asked for, and how its value is to be read. */
export interface SnmpMetricDefinition {
  /** The object's name in its MIB. */
  readonly name: string;
  /** An instance where it is a scalar, else the column of a table. */
  readonly oid: string;
  readonly type: "string" | "gauge" | "counter";
  readonly isTable: boolean;
  /** As the object counts; `KB`, `timeticks`, `bps` are turned into bytes, s and bit/s. */
  readonly unit?: string | undefined;
  /** A value at or above one of them raises the severity of its event. */
  readonly thresholds?: { readonly warning?: number | undefined; readonly critical?: number | undefined } | undefined;
}

/** Objects that are switched together. */
export interface SnmpCategory {
  readonly name: string;
  readonly objects: readonly SnmpMetricDefinition[];
}

const scalar = (name: string, oid: string, type: SnmpMetricDefinition["type"], unit?: string) => ({
  name,
  oid,
  type,
  unit,
  isTable: false,
});

const column = (
  name: string,
  oid: string,
  type: SnmpMetricDefinition["type"],
  unit?: string,
  thresholds?: SnmpMetricDefinition["thresholds"],
) => ({ name, oid, type, unit, thresholds, isTable: true });

/**
 * The built-in set: SNMPv2-MIB (RFC 3418), HOST-RESOURCES-MIB (RFC 2790), IF-MIB (RFC 2863), UCD-SNMP-MIB and
 * UCD-DISKIO-MIB (net-snmp). The twenty-nine objects of the first generation's configuration.
 */
export const snmpCategories: readonly SnmpCategory[] = [
  {
    name: "system_info",
    objects: [
      scalar("sysDescr", "1.3.6.1.2.1.1.1.0", "string"),
      scalar("sysUpTime", "1.3.6.1.2.1.1.3.0", "counter", "timeticks"),
      scalar("sysContact", "1.3.6.1.2.1.1.4.0", "string"),
      scalar("sysName", "1.3.6.1.2.1.1.5.0", "string"),
      scalar("sysLocation", "1.3.6.1.2.1.1.6.0", "string"),
    ],
  },
  {
    name: "cpu",
    objects: [column("hrProcessorLoad", "1.3.6.1.2.1.25.3.3.1.2", "gauge", "percent", { warning: 70, critical: 90 })],
  },
  {
    name: "memory",
    objects: [
      scalar("hrMemorySize", "1.3.6.1.2.1.25.2.2.0", "gauge", "KB"),
      column("hrStorageDescr", "1.3.6.1.2.1.25.2.3.1.3", "string"),
      column("hrStorageSize", "1.3.6.1.2.1.25.2.3.1.5", "gauge", "units"),
      column("hrStorageUsed", "1.3.6.1.2.1.25.2.3.1.6", "gauge", "units", { warning: 80, critical: 95 }),
      column("hrStorageAllocationUnits", "1.3.6.1.2.1.25.2.3.1.4", "gauge", "bytes"),
    ],
  },
  {
    name: "disk",
    objects: [
      column("diskIODevice", "1.3.6.1.4.1.2021.13.15.1.1.2", "string"),
      column("diskIOReads", "1.3.6.1.4.1.2021.13.15.1.1.5", "counter", "operations"),
      column("diskIOWrites", "1.3.6.1.4.1.2021.13.15.1.1.6", "counter", "operations"),
    ],
  },
  {
    name: "network_interfaces",
    objects: [
      column("ifDescr", "1.3.6.1.2.1.2.2.1.2", "string"),
      column("ifType", "1.3.6.1.2.1.2.2.1.3", "gauge"),
      column("ifSpeed", "1.3.6.1.2.1.2.2.1.5", "gauge", "bps"),
      column("ifOperStatus", "1.3.6.1.2.1.2.2.1.8", "gauge"),
      column("ifInOctets", "1.3.6.1.2.1.2.2.1.10", "counter", "bytes"),
      column("ifInErrors", "1.3.6.1.2.1.2.2.1.14", "counter", "errors", { warning: 100, critical: 1000 }),
      column("ifOutOctets", "1.3.6.1.2.1.2.2.1.16", "counter", "bytes"),
      column("ifOutErrors", "1.3.6.1.2.1.2.2.1.20", "counter", "errors", { warning: 100, critical: 1000 }),
    ],
  },
  {
    name: "processes",
    objects: [
      column("hrSWRunName", "1.3.6.1.2.1.25.4.2.1.2", "string"),
      column("hrSWRunPath", "1.3.6.1.2.1.25.4.2.1.4", "string"),
      column("hrSWRunParameters", "1.3.6.1.2.1.25.4.2.1.5", "string"),
      column("hrSWRunStatus", "1.3.6.1.2.1.25.4.2.1.7", "gauge"),
    ],
  },
  {
    name: "system_load",
    objects: [
      { ...scalar("laLoad1", "1.3.6.1.4.1.2021.10.1.3.1", "gauge", "load"), thresholds: { warning: 4, critical: 8 } },
      scalar("laLoad5", "1.3.6.1.4.1.2021.10.1.3.2", "gauge", "load"),
      scalar("laLoad15", "1.3.6.1.4.1.2021.10.1.3.3", "gauge", "load"),
    ],
  },
];

/** Which categories a profile takes. */
export const snmpProfiles: Readonly<Record<string, readonly string[]>> = {
  minimal: ["system_info"],
  standard: ["system_info", "cpu", "memory"],
  performance: ["system_info", "cpu", "memory", "disk", "system_load"],
  network_focus: ["system_info", "network_interfaces", "cpu"],
  full: ["system_info", "cpu", "memory", "disk", "network_interfaces", "system_load"],
};

/** Our name of what an object says, and the unit of the value as we give it. Further objects: `snmp.CATEGORY.NAME`. */
export const snmpMetricNames: Readonly<Record<string, string>> = {
  sysDescr: "snmp.system.description",
  sysUpTime: "snmp.system.uptime",
  sysContact: "snmp.system.contact",
  sysName: "snmp.system.name",
  sysLocation: "snmp.system.location",
  hrProcessorLoad: "snmp.system.cpu_load",
  hrMemorySize: "snmp.system.memory",
  hrStorageDescr: "snmp.storage.description",
  hrStorageSize: "snmp.storage.size",
  hrStorageUsed: "snmp.storage.used",
  hrStorageAllocationUnits: "snmp.storage.allocation_unit",
  diskIODevice: "snmp.disk.device",
  diskIOReads: "snmp.disk.reads",
  diskIOWrites: "snmp.disk.writes",
  hrSWRunName: "snmp.process.name",
  hrSWRunPath: "snmp.process.path",
  hrSWRunParameters: "snmp.process.parameters",
  hrSWRunStatus: "snmp.process.status",
  laLoad1: "snmp.system.load_1m",
  laLoad5: "snmp.system.load_5m",
  laLoad15: "snmp.system.load_15m",
};
