import type { SnmpSession } from "./session.ts";
import { countOf, hardwareAddressOf, numberOf, type SnmpValue, textOf } from "./values.ts";
import { type WalkedColumns, type WalkOptions, walkColumns } from "./walk.ts";

/** Columns of ifTable and ifXTable (RFC 2863) by their names there. */
export const interfaceColumns = {
  ifDescr: "1.3.6.1.2.1.2.2.1.2",
  ifType: "1.3.6.1.2.1.2.2.1.3",
  ifSpeed: "1.3.6.1.2.1.2.2.1.5",
  ifPhysAddress: "1.3.6.1.2.1.2.2.1.6",
  ifAdminStatus: "1.3.6.1.2.1.2.2.1.7",
  ifOperStatus: "1.3.6.1.2.1.2.2.1.8",
  ifInOctets: "1.3.6.1.2.1.2.2.1.10",
  ifInDiscards: "1.3.6.1.2.1.2.2.1.13",
  ifInErrors: "1.3.6.1.2.1.2.2.1.14",
  ifOutOctets: "1.3.6.1.2.1.2.2.1.16",
  ifOutDiscards: "1.3.6.1.2.1.2.2.1.19",
  ifOutErrors: "1.3.6.1.2.1.2.2.1.20",
  ifName: "1.3.6.1.2.1.31.1.1.1.1",
  ifHCInOctets: "1.3.6.1.2.1.31.1.1.1.6",
  ifHCOutOctets: "1.3.6.1.2.1.31.1.1.1.10",
  ifHighSpeed: "1.3.6.1.2.1.31.1.1.1.15",
  ifAlias: "1.3.6.1.2.1.31.1.1.1.18",
  ifCounterDiscontinuityTime: "1.3.6.1.2.1.31.1.1.1.19",
} as const;

export type InterfaceColumn = keyof typeof interfaceColumns;

/** One interface; what the device does not say is undefined. */
export interface InterfaceFacts {
  /** ifIndex. */
  readonly index: string;
  /** ifName, else ifDescr. */
  readonly name: string | undefined;
  readonly description: string | undefined;
  readonly alias: string | undefined;
  /** IANAifType-MIB: 6 is Ethernet, 24 the loopback. */
  readonly type: number | undefined;
  readonly speedBitsPerSecond: number | undefined;
  /** 1 up, 2 down, 3 testing, and for operStatus 4 unknown, 5 dormant, 6 notPresent, 7 lowerLayerDown. */
  readonly adminStatus: number | undefined;
  readonly operStatus: number | undefined;
  readonly hardwareAddress: string | undefined;
  /** Of 64 bits where the device has them; a bigint where a number cannot hold it exactly. */
  readonly bytesIn: number | bigint | undefined;
  readonly bytesOut: number | bigint | undefined;
  readonly errorsIn: number | undefined;
  readonly errorsOut: number | undefined;
  readonly discardsIn: number | undefined;
  readonly discardsOut: number | undefined;
  /** sysUpTime, in s, when the counters were last not a continuation of what they were; 0 for since the start. */
  readonly discontinuitySeconds: number | undefined;
}

/** What ifSpeed says where it cannot say more (RFC 2863, 3.1.14). */
const speedCeiling = 4_294_967_295;

/** ifSpeed, or ifHighSpeed where that is beyond 32 bits or ifSpeed says nothing. */
export function speedOf(speed: number | undefined, highSpeed: number | undefined): number | undefined {
  const high = highSpeed === undefined ? undefined : highSpeed * 1e6;
  if (high !== undefined && high >= speedCeiling) return high;
  if (speed === undefined || speed === speedCeiling) return high ?? speed;
  return speed === 0 && high ? high : speed;
}

/** The interfaces that are in the columns, in order of their index. */
export function interfacesFrom(columns: WalkedColumns["columns"]): InterfaceFacts[] {
  const cell = (column: InterfaceColumn, index: string): SnmpValue | undefined =>
    columns.get(interfaceColumns[column])?.get(index);
  const indexes = new Set(Object.values(interfaceColumns).flatMap((oid) => [...(columns.get(oid)?.keys() ?? [])]));
  return [...indexes]
    .filter((index) => /^\d+$/.test(index))
    .sort((a, b) => Number(a) - Number(b))
    .map((index) => {
      const text = (column: InterfaceColumn) => textOf(cell(column, index)) || undefined;
      const number = (column: InterfaceColumn) => numberOf(cell(column, index));
      const count = (column: InterfaceColumn) => countOf(cell(column, index));
      const discontinuity = number("ifCounterDiscontinuityTime");
      const description = text("ifDescr");
      return {
        index,
        name: text("ifName") ?? description,
        description,
        alias: text("ifAlias"),
        type: number("ifType"),
        speedBitsPerSecond: speedOf(number("ifSpeed"), number("ifHighSpeed")),
        adminStatus: number("ifAdminStatus"),
        operStatus: number("ifOperStatus"),
        hardwareAddress: hardwareAddressOf(cell("ifPhysAddress", index)),
        bytesIn: count("ifHCInOctets") ?? count("ifInOctets"),
        bytesOut: count("ifHCOutOctets") ?? count("ifOutOctets"),
        errorsIn: number("ifInErrors"),
        errorsOut: number("ifOutErrors"),
        discardsIn: number("ifInDiscards"),
        discardsOut: number("ifOutDiscards"),
        discontinuitySeconds: discontinuity === undefined ? undefined : discontinuity / 100,
      };
    });
}

/** Walks ifTable and ifXTable. */
export function readInterfaceColumns(session: SnmpSession, options: WalkOptions): Promise<WalkedColumns> {
  return walkColumns(session, Object.values(interfaceColumns), options);
}
