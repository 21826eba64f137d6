import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FlowIndex } from "../../../src/collectors/flow/flow-index.ts";
import { FlowPacket } from "../../../src/collectors/flow/flow-packet.ts";
import {
  FlowRecords,
  recordWords,
  wordAddresses,
  wordHash,
  wordInterface,
  wordMeta,
  wordPorts,
  wordPrefixA,
} from "../../../src/collectors/flow/flow-records.ts";
import { createHashTables } from "../../../src/collectors/flow/hash-tables.ts";
import { DecodedPacket } from "../../../src/packet/index.ts";

class Table {
  readonly records: FlowRecords;
  readonly index: FlowIndex;
  readonly key: FlowPacket;

  constructor(slotsMax: number, seed?: number) {
    this.records = new FlowRecords(slotsMax);
    this.index = new FlowIndex(this.records);
    this.key = new FlowPacket(createHashTables(seed));
  }

  take(n: number): FlowPacket {
    const p = new DecodedPacket();
    Object.assign(p, { family: 4, protocol: 17, hasPorts: true, src3: n, dst3: -5, srcPort: n & 0xffff, dstPort: 53 });
    this.key.take(p, 0, 0);
    return this.key;
  }

  find(n: number): number {
    return this.index.find(this.take(n));
  }

  add(n: number): void {
    const key = this.take(n);
    const slot = this.records.take();
    const at = slot * recordWords;
    this.records.words.set([key.ports, key.meta, key.interfaceIndex, key.a3, key.b3], at + wordPorts);
    expect([wordMeta, wordInterface, wordAddresses]).toEqual([wordPorts + 1, wordPorts + 2, wordPorts + 3]);
    this.records.words[at + wordHash] = key.hash;
    this.index.add(slot);
  }

  remove(n: number): void {
    const slot = this.find(n);
    this.index.remove(slot);
    this.records.giveBack(slot);
  }
}

describe("FlowIndex", () => {
  test("finds what was added and not removed, at any order of both", () => {
    const step = fc.record({ n: fc.nat(60), isAdded: fc.boolean() });
    const property = fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const table = new Table(64, 5);
      const model = new Set<number>();
      for (const { n, isAdded } of steps) {
        if (isAdded && !model.has(n)) {
          table.add(n);
          model.add(n);
        } else if (!isAdded && model.delete(n)) {
          table.remove(n);
        }
      }
      for (let n = 0; n <= 60; n += 1) expect(table.find(n) !== -1).toBe(model.has(n));
      expect(table.records.used).toBe(model.size);
    });
    fc.assert(property, { numRuns: 200 });
  });

  test("keeps probes short through a long life", () => {
    const table = new Table(1024, 9);
    for (let n = 0; n < 1000; n += 1) table.add(n);
    for (let n = 1000; n < 60_000; n += 1) {
      table.remove(n - 1000);
      table.add(n);
    }
    for (let n = 59_000; n < 60_000; n += 1) expect(table.find(n)).not.toBe(-1);
    expect(table.find(58_999)).toBe(-1);
    expect(table.index.probesMax()).toBeLessThan(40);
  });

  test("grows with the records", () => {
    const table = new Table(100_000, 1);
    for (let n = 0; n < 20_000; n += 1) table.add(n);
    for (let n = 0; n < 20_000; n += 1) expect(table.find(n)).toBe(n);
    expect(table.records.slots).toBe(32_768);
    expect(table.index.probesMax()).toBeLessThan(60);
  });

  test("tells keys apart that have the same hash", () => {
    const records = new FlowRecords(64);
    const index = new FlowIndex(records);
    // without tables every hash is 0
    const noTables = new Int32Array(40 * 256);
    const base = {
      family: 6,
      protocol: 6,
      hasPorts: true,
      srcPort: 1,
      dstPort: 2,
      dst0: 100,
      dst1: 100,
      dst2: 100,
      dst3: 9,
    };
    const packets: (Partial<DecodedPacket> & { vlanId?: number; iface?: number })[] = [
      base,
      ...["src0", "src1", "src2", "src3", "dst0", "dst1", "dst2", "dst3"].map((name) => ({ ...base, [name]: 101 })),
      { ...base, family: 4 },
      { ...base, family: 4, protocol: 17 },
      { ...base, family: 4, hasPorts: false },
      { ...base, family: 4, srcPort: 7 },
      { ...base, family: 4, dstPort: 7 },
      { ...base, family: 4, vlanId: 7 },
      { ...base, family: 4, iface: 7 },
    ];
    const keys = packets.map(({ iface = 0, vlanId = 0, ...fields }) => {
      const key = new FlowPacket(noTables);
      key.take(Object.assign(new DecodedPacket(), fields), iface, vlanId);
      expect(key.hash).toBe(0);
      return key;
    });
    keys.forEach((key, slot) => {
      expect(index.find(key)).toBe(-1);
      expect(records.take()).toBe(slot);
      const at = slot * recordWords;
      records.words.set([key.ports, key.meta, key.interfaceIndex, key.a3, key.b3], at + wordPorts);
      records.words.set([key.a0, key.a1, key.a2, key.b0, key.b1, key.b2], at + wordPrefixA);
      records.words[at + wordHash] = key.hash;
      index.add(slot);
    });
    expect(keys.map((key) => index.find(key))).toEqual(keys.map((_, slot) => slot));
    keys.forEach((key, slot) => {
      index.remove(slot);
      expect(index.find(key)).toBe(-1);
      expect(keys.slice(slot + 1).map((other) => index.find(other))).toEqual(
        keys.slice(slot + 1).map((_, i) => slot + 1 + i),
      );
    });
  });

  test("spreads keys that collide under another seed", () => {
    const known = new Table(1024, 1234);
    const colliding: number[] = [];
    // keys that all begin their probes within 16 places of a table of 2,048, for who knows the tables
    for (let n = 0; colliding.length < 1000; n += 1) if ((known.take(n).hash & 0x7f0) === 0) colliding.push(n);
    for (const n of colliding) known.add(n);
    expect(known.index.probesMax()).toBeGreaterThan(900);
    const other = new Table(1024);
    for (const n of colliding) other.add(n);
    expect(other.index.probesMax()).toBeLessThan(100);
  });
});
