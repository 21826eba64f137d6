import { snmpEnterprises } from "../../data/snmp-enterprises.ts";

/** Who made a device, and what it is called; undefined where it is not sure. */
export interface DeviceIdentity {
  readonly manufacturer: string | undefined;
  readonly model: string | undefined;
}

/** Where a sysDescr names the model by a fixed pattern of its manufacturer. */
const modelPatterns: Readonly<Record<string, RegExp>> = {
  MikroTik: /^RouterOS (\S[^\r\n]*)$/,
  Cisco: /^Cisco (?:IOS|NX-OS)[^,]*, (\S+) Software/,
  "ALAXALA Networks": /\[(AX[^\]]+)\]/,
  "Juniper Networks": /^Juniper Networks, Inc\. (\S+) /,
  "Arista Networks": /running on an Arista Networks (\S+)/,
  H3C: /^H3C (\S+)/m,
  "Hewlett Packard Enterprise": /^HPE (?!Comware)(\S+)/m,
};

/** Other names by which a manufacturer's own texts speak of it. */
const aliases: Readonly<Record<string, RegExp>> = {
  "Hewlett Packard Enterprise": /\b(HPE|Hewlett Packard Enterprise)\b/i,
  Ciena: /\bCiena\b/i,
  Barracuda: /\bBarracuda\b/i,
};

/** Who sells a device under another's number, where its text begins by saying so. */
const sellers: readonly (readonly [enterprise: number, text: RegExp, manufacturer: string])[] = [
  [25506, /^HPE /, "Hewlett Packard Enterprise"],
];

/**
 * Reads manufacturer and model out of sysObjectID and sysDescr. Where the text names another manufacturer than the
 * number does (one firm's device sold by another), neither is sure.
 */
export function identifyDevice(objectId: string | undefined, description: string | undefined): DeviceIdentity {
  const enterprise = /^1\.3\.6\.1\.4\.1\.(\d+)\./.exec(`${objectId ?? ""}.`)?.[1];
  const text = description ?? "";
  const seller = sellers.find(([number, pattern]) => number === Number(enterprise) && pattern.test(text))?.[2];
  const manufacturer = seller ?? snmpEnterprises.get(Number(enterprise));
  if (manufacturer === undefined) return { manufacturer: undefined, model: undefined };
  if (Object.entries(aliases).some(([name, pattern]) => name !== manufacturer && pattern.test(text))) {
    return { manufacturer: undefined, model: undefined };
  }
  return { manufacturer, model: modelPatterns[manufacturer]?.exec(text)?.[1]?.trim().slice(0, 64) };
}
