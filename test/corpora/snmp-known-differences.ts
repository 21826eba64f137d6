const gpon = [268435456, 268435712, 268435968, 268436224, 268436480, 268436736, 268436992, 268437248];

/** Where we differ from LibreNMS on purpose: `ifIndex column: ours / theirs`, with the reason. */
export const knownDifferences: Readonly<Record<string, readonly string[]>> = {
  // LibreNMS prefers ifHighSpeed, which counts whole megabits; ifSpeed says it to the bit (RFC 2863, 3.1.14)
  zxa10_c320: gpon.map((index) => `${index} ifSpeed: 2488320000 / 2488000000`),
  // the name is padded with three NULs, which net-snmp's print, and with it LibreNMS, shows as dots
  cyberpower_pr2200rt2uc: ["1 ifDescr: ag / ag...", "1 ifName: ag / ag...", "1 ifAlias: ag / ag..."],
};
