const familyBit = 1 << 8;
const portsBit = 1 << 9;
const vlanShift = 10;

/** The word that holds what a flow's key has beside addresses and ports: protocol, family, whether ports, VLAN. */
export function metaWord(protocol: number, family: number, hasPorts: boolean, vlanId: number): number {
  return protocol | (family === 6 ? familyBit : 0) | (hasPorts ? portsBit : 0) | (vlanId << vlanShift);
}

/** Parts of that word. */
export const metaOf = {
  protocol: (meta: number): number => meta & 0xff,
  family: (meta: number): 4 | 6 => ((meta & familyBit) === 0 ? 4 : 6),
  hasPorts: (meta: number): boolean => (meta & portsBit) !== 0,
  vlanId: (meta: number): number => (meta >>> vlanShift) & 0xfff,
} as const;
