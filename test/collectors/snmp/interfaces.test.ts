import { describe, expect, test } from "bun:test";
import { InterfaceWatch } from "../../../src/collectors/snmp/interface-status.ts";
import {
  type InterfaceFacts,
  interfaceColumns,
  interfacesFrom,
  speedOf,
} from "../../../src/collectors/snmp/interfaces.ts";
import type { SnmpValue } from "../../../src/collectors/snmp/values.ts";
import type { WalkedColumns } from "../../../src/collectors/snmp/walk.ts";

describe("interfaces", () => {
  // RFC 2863, 3.1.14: ifSpeed ends at 4,294,967,295; ifHighSpeed counts in 1,000,000 bit/s
  test.each([
    [100_000_000, 100, 100_000_000],
    [64_000, 0, 64_000],
    [4_294_967_295, 10_000, 10_000_000_000],
    [1_410_065_408, 10_000, 10_000_000_000],
    [0, 1000, 1_000_000_000],
    [undefined, 40_000, 40_000_000_000],
    [4_294_967_295, undefined, 4_294_967_295],
    [0, 0, 0],
    [undefined, undefined, undefined],
  ])("ifSpeed %p and ifHighSpeed %p are %p bit/s", (speed, highSpeed, expected) => {
    expect(speedOf(speed, highSpeed)).toBe(expected as number);
  });

  test("counters of 64 bits come before those of 32, and rows of one table alone are interfaces too", () => {
    const number = (value: number) => ({ type: "number", number: value }) as const;
    const columns: WalkedColumns["columns"] = new Map<string, ReadonlyMap<string, SnmpValue>>([
      [
        interfaceColumns.ifInOctets,
        new Map([
          ["2", number(5)],
          ["10", number(6)],
        ]),
      ],
      [interfaceColumns.ifHCInOctets, new Map([["2", { type: "counter64", count: 5n + 2n ** 62n } as const]])],
      [
        interfaceColumns.ifAlias,
        new Map([["3", { type: "octets", octets: new Uint8Array(Buffer.from("up")) } as const]]),
      ],
    ]);
    const found = interfacesFrom(columns);
    expect(found.map(({ index, bytesIn, alias }) => [index, bytesIn, alias])).toEqual([
      ["2", 5n + 2n ** 62n, undefined],
      ["3", undefined, "up"],
      ["10", 6, undefined],
    ]);
  });
});

describe("states of interfaces", () => {
  const facts = (index: string, operStatus: number | undefined, adminStatus = 1) =>
    ({ index, name: `port ${index}`, operStatus, adminStatus }) as InterfaceFacts;

  test("what is new or changed is said once, with the state before", () => {
    const watch = new InterfaceWatch();
    expect(watch.update([facts("1", 1), facts("2", 2)], true)).toEqual([
      { name: "port 1", status: "ONLINE", previous: undefined },
      { name: "port 2", status: "OFFLINE", previous: undefined },
    ]);
    expect(watch.update([facts("1", 1), facts("2", 7)], true)).toEqual([]);
    expect(watch.update([facts("1", 2), facts("2", 1)], true)).toEqual([
      { name: "port 1", status: "OFFLINE", previous: "ONLINE" },
      { name: "port 2", status: "ONLINE", previous: "OFFLINE" },
    ]);
  });

  test("what a round left out is no change when it is back: 3, then 1, then 3 interfaces", () => {
    const watch = new InterfaceWatch();
    const all = [facts("1", 1), facts("2", 1), facts("3", 2)];
    expect(watch.update(all, true)).toHaveLength(3);
    expect(watch.update([facts("1", 1)], false)).toEqual([]);
    expect(watch.update(all, true)).toEqual([]);
    // a whole round forgets what is gone
    expect(watch.update([facts("1", 1)], true)).toEqual([]);
    expect(watch.update(all, true)).toMatchObject([
      { name: "port 2", previous: undefined },
      { name: "port 3", previous: undefined },
    ]);
  });

  test("a round that read nothing, or not the state, changes nothing", () => {
    const watch = new InterfaceWatch();
    watch.update([facts("1", 1)], true);
    expect(watch.update([], true)).toEqual([]);
    expect(watch.update([facts("1", undefined)], true)).toEqual([]);
    expect(watch.update([facts("1", 2)], true)).toMatchObject([{ previous: "ONLINE" }]);
  });

  test("what somebody switched off is no failure", () => {
    expect(new InterfaceWatch().update([facts("1", 2, 2), facts("2", 1, 2)], true)).toMatchObject([
      { status: "MAINTENANCE" },
      { status: "ONLINE" },
    ]);
  });
});
