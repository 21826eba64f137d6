import { describe, expect, test } from "bun:test";
import { identifyDevice } from "../../../src/collectors/snmp/device-identity.ts";

describe("identifyDevice", () => {
  test.each([
    ["1.3.6.1.4.1.14988.1", "RouterOS CHR", "MikroTik", "CHR"],
    ["1.3.6.1.4.1.9.1.1208", "Cisco IOS Software, C2960X Software (C2960X-UNIVERSALK9-M)", "Cisco", "C2960X"],
    ["1.3.6.1.4.1.12356.101.1.644", "", "Fortinet", undefined],
    [
      "1.3.6.1.4.1.25506.11.2.102",
      "HPE Comware Platform Software\r\nHPE VSR1000\r\n",
      "Hewlett Packard Enterprise",
      "VSR1000",
    ],
    ["1.3.6.1.4.1.25506.1.1", "H3C Comware\r\nHewlett Packard Enterprise", undefined, undefined],
    ["1.3.6.1.4.1.8072.3.2.10", "Barracuda Web Application Firewall", undefined, undefined],
    ["1.3.6.1.4.1.99", "Cisco IOS", undefined, undefined],
    ["1.3.6.1.4.1", "x", undefined, undefined],
    ["1.3.6.1.4.1.9999999999999", "x", undefined, undefined],
    [undefined, "Cisco IOS", undefined, undefined],
  ])("%p, %p", (objectId, description, manufacturer, model) => {
    expect(identifyDevice(objectId, description)).toEqual({ manufacturer, model });
  });
});
