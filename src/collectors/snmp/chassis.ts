import type { SnmpSession } from "./session.ts";
import { numberOf, type SnmpValue, textOf } from "./values.ts";

/** What a device's ENTITY-MIB says of its chassis; empty where it has none. */
export interface Chassis {
  readonly serialNumber?: string | undefined;
  readonly model?: string | undefined;
  readonly hardwareVersion?: string | undefined;
  readonly firmwareVersion?: string | undefined;
}

/** Columns of entPhysicalTable (RFC 6933). */
const columns = {
  class: "1.3.6.1.2.1.47.1.1.1.1.5",
  hardware: "1.3.6.1.2.1.47.1.1.1.1.8",
  firmware: "1.3.6.1.2.1.47.1.1.1.1.9",
  software: "1.3.6.1.2.1.47.1.1.1.1.10",
  serial: "1.3.6.1.2.1.47.1.1.1.1.11",
  model: "1.3.6.1.2.1.47.1.1.1.1.13",
} as const;

/** PhysicalClass (IANA-ENTITY-MIB). */
const chassisClass = 3;

/** The chassis stands at the top of the tree: behind a stack at most, and what holds its parts. */
const rowsMax = 8;

/** Asks for the first rows in one packet, and takes the first chassis among them. */
export async function readChassis(session: SnmpSession): Promise<Chassis> {
  const found = await session.getBulk(Object.values(columns), rowsMax);
  // what has no successor comes back under its own name, without a value
  const known = found.flat().filter(({ isEnd }) => !isEnd);
  const cells = new Map<string, SnmpValue>(known.map(({ oid, value }) => [oid, value]));
  const first = found[0]?.find(
    ({ oid, value }) => oid.startsWith(`${columns.class}.`) && numberOf(value) === chassisClass,
  );
  if (first === undefined) return {};
  const index = first.oid.slice(columns.class.length);
  const text = (name: keyof typeof columns) => textOf(cells.get(`${columns[name]}${index}`))?.trim() || undefined;
  return {
    serialNumber: text("serial"),
    model: text("model"),
    hardwareVersion: text("hardware"),
    // what runs is the software; the firmware is what starts it
    firmwareVersion: text("software") ?? text("firmware"),
  };
}
