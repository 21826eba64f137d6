import type { LabHost } from "./lab.ts";

/** The network of the scanner, and the host that is behind another one. */
export const labTargets = ["10.98.0.0/28", "10.98.1.2"] as const;

/** Ten hosts that can be found, each in its own way, and one that cannot. */
export const labHosts: readonly LabHost[] = [
  { address: "10.98.0.2", hardwareAddress: "b8:27:eb:00:00:02", services: [[22, "ssh"]] },
  {
    address: "10.98.0.3",
    hardwareAddress: "00:00:00:00:00:03",
    services: [
      [80, "http"],
      [443, "tls"],
    ],
  },
  {
    address: "10.98.0.4",
    hardwareAddress: "02:00:00:00:00:04",
    services: [
      [1883, "mqtt"],
      [6379, "redis"],
    ],
  },
  { address: "10.98.0.5", hardwareAddress: "02:00:00:00:00:05", services: [[53, "dns"]] },
  {
    address: "10.98.0.6",
    hardwareAddress: "02:00:00:00:00:06",
    services: [
      [21, "ftp"],
      [25, "smtp"],
    ],
  },
  {
    address: "10.98.0.7",
    hardwareAddress: "02:00:00:00:00:07",
    // ports where nobody looks for them
    services: [
      [3306, "mysql"],
      [2222, "ssh"],
    ],
  },
  {
    address: "10.98.0.8",
    hardwareAddress: "02:00:00:00:00:08",
    services: [
      [5432, "postgres"],
      [7000, "redis"],
      [9000, "http"],
    ],
  },
  {
    address: "10.98.0.9",
    hardwareAddress: "02:00:00:00:00:09",
    services: [
      [8001, "huge"],
      [8002, "slow"],
      [8003, "tar-pit"],
      [8004, "silent"],
    ],
  },
  { address: "10.98.0.10", hardwareAddress: "02:00:00:00:00:0a", services: [], mood: "drops" },
  {
    address: "10.98.1.2",
    hardwareAddress: "02:00:00:00:00:12",
    services: [
      [2121, "plain-ftp"],
      [8080, "http"],
    ],
    behind: "10.98.0.5",
  },
  { address: "10.98.0.11", hardwareAddress: "02:00:00:00:00:0b", services: [[22, "ssh"]], mood: "mute" },
];

export const labPorts = "21,22,25,53,80,443,1883,2121,2222,3306,5432,6379,7000,8001-8004,8080,9000";
