import { describe, expect, test } from "bun:test";
import { interfaceColumns, interfacesFrom, speedOf } from "../../../src/collectors/snmp/interfaces.ts";
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
      [interfaceColumns.ifHCInOctets, new Map([["2", { type: "counter64", count: 5n + 2n ** 32n } as const]])],
      [
        interfaceColumns.ifAlias,
        new Map([["3", { type: "octets", octets: new Uint8Array(Buffer.from("up")) } as const]]),
      ],
    ]);
    const found = interfacesFrom(columns);
    expect(found.map(({ index, bytesIn, alias }) => [index, bytesIn, alias])).toEqual([
      ["2", 5 + 2 ** 32, undefined],
      ["3", undefined, "up"],
      ["10", 6, undefined],
    ]);
  });
});
