import { AmoskysError } from "../../core/errors.ts";
import { type Chassis, readChassis } from "./chassis.ts";
import { type InterfaceFacts, interfacesFrom, readInterfaceColumns } from "./interfaces.ts";
import type { SnmpPlan } from "./plan.ts";
import type { DeviceBudget } from "./reading-budget.ts";
import type { SnmpSession } from "./session.ts";
import type { SnmpValue } from "./values.ts";
import { type WalkedColumns, walkColumns } from "./walk.ts";

/** SNMPv2-MIB (RFC 3418): asked first of every device. */
export const systemObjects = {
  sysDescr: "1.3.6.1.2.1.1.1.0",
  sysObjectID: "1.3.6.1.2.1.1.2.0",
  sysUpTime: "1.3.6.1.2.1.1.3.0",
  sysName: "1.3.6.1.2.1.1.5.0",
} as const;

/** hrStorageType (RFC 2790): says which storage is to be judged by how full it is. */
export const storageTypeColumn = "1.3.6.1.2.1.25.2.3.1.2";

/** Objects in one GET. */
const scalarsPerPacket = 20;

/** What one round read of one device. */
export interface DeviceReading {
  /** Scalars by their OID. */
  readonly scalars: ReadonlyMap<string, SnmpValue>;
  readonly columns: WalkedColumns["columns"];
  readonly interfaces: readonly InterfaceFacts[];
  /** Undefined where the plan does not ask for it, or it could not be read. */
  readonly chassis: Chassis | undefined;
  /** Time to the first answer. */
  readonly responseMs: number;
  /** What went wrong after that first answer. */
  readonly failures: readonly AmoskysError[];
  /** Whether every interface of the device is among them. */
  readonly hasAllInterfaces: boolean;
  /** Tables had more rows than were read. */
  readonly isCut: boolean;
}

export interface ReadLimits {
  readonly repetitions: number;
  readonly interfacesMax: number;
  readonly budget: DeviceBudget;
}

const nothing: WalkedColumns = { columns: new Map(), isCut: false, failure: undefined };

async function readScalars(session: SnmpSession, oids: readonly string[]): Promise<Map<string, SnmpValue>> {
  const found = new Map<string, SnmpValue>();
  for (let i = 0; i < oids.length; i += scalarsPerPacket) {
    for (const { oid, value } of await session.get(oids.slice(i, i + scalarsPerPacket))) found.set(oid, value);
  }
  return found;
}

/**
 * Reads what the plan asks for. The system group comes first: a device that does not answer that is not asked further,
 * and its error is thrown. What fails later leaves the rest standing. A chassis that is known is not asked for again.
 */
export async function readDevice(
  session: SnmpSession,
  plan: SnmpPlan,
  { repetitions, interfacesMax, budget }: ReadLimits,
  monotonicMs: () => number,
  knownChassis?: Chassis,
): Promise<DeviceReading> {
  const startedMs = monotonicMs();
  const system = Object.values(systemObjects) as readonly string[];
  const scalars = await readScalars(session, system);
  const responseMs = monotonicMs() - startedMs;
  const failures: AmoskysError[] = [];
  const rest = plan.scalars.map(({ oid }) => oid).filter((oid) => !system.includes(oid));
  const columns = plan.columns.map(({ oid }) => oid);
  if (plan.columns.some(({ name }) => name === "hrStorageUsed")) columns.push(storageTypeColumn);
  const [others, interfaces, tables, chassis] = await Promise.all([
    readScalars(session, rest).catch((caught: unknown) => {
      failures.push(AmoskysError.from(caught));
      return new Map<string, SnmpValue>();
    }),
    plan.readsInterfaces ? readInterfaceColumns(session, { repetitions, rowsMax: interfacesMax, budget }) : nothing,
    walkColumns(session, columns, { repetitions, rowsMax: plan.rowsMax, budget }),
    // a device without ENTITY-MIB may refuse the question in its own way: that is no failure of it
    knownChassis ?? (plan.readsChassis ? readChassis(session).catch(() => undefined) : undefined),
  ]);
  for (const { failure } of [interfaces, tables]) if (failure) failures.push(failure);
  return {
    scalars: new Map([...scalars, ...others]),
    columns: tables.columns,
    interfaces: interfacesFrom(interfaces.columns),
    chassis,
    responseMs,
    failures,
    hasAllInterfaces: plan.readsInterfaces && !interfaces.failure && !interfaces.isCut,
    isCut: interfaces.isCut || tables.isCut,
  };
}
