import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { createProcessStat, parseProcessStat } from "../../src/procfs/index.ts";
import { statBytes } from "./proc-folder.ts";

function parse(bytes: Uint8Array, length = bytes.length) {
  const stat = createProcessStat();
  const isStat = parseProcessStat(bytes, length, stat);
  return { isStat, stat, name: Buffer.from(bytes).toString("latin1", stat.nameStart, stat.nameEnd) };
}

describe("parseProcessStat", () => {
  test("reads every field that is used", () => {
    const bytes = statBytes({
      pid: 4_194_303,
      name: "worker",
      state: "D",
      ppid: 17,
      userTicks: 123,
      systemTicks: 45,
      threads: 6,
      startTicks: 987_654_321,
      virtualBytes: 109_604_864,
      residentPages: 2507,
    });
    const { isStat, stat, name } = parse(bytes);
    expect(isStat).toBe(true);
    expect(name).toBe("worker");
    expect(stat).toMatchObject({
      pid: 4_194_303,
      state: "D".charCodeAt(0),
      ppid: 17,
      isKernelThread: false,
      userTicks: 123,
      systemTicks: 45,
      threads: 6,
      startTicks: 987_654_321,
      virtualBytes: 109_604_864,
      residentPages: 2507,
    });
  });

  test.each(["a) S 1 2 (b", ") (", "((((", "))))", "new\nline", "\u001b[31m", "", " "])(
    "the name %j is one",
    (text) => {
      const { isStat, stat, name } = parse(statBytes({ pid: 7, name: text, ppid: 3, startTicks: 55 }));
      expect({ isStat, name }).toEqual({ isStat: true, name: text });
      expect(stat).toMatchObject({ pid: 7, ppid: 3, startTicks: 55, state: "S".charCodeAt(0) });
    },
  );

  test("a name of any bytes is one", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const { isStat, stat, name } = parse(statBytes({ pid: 7, name: bytes, startTicks: 55 }));
        expect(isStat && stat.startTicks === 55 && name === Buffer.from(bytes).toString("latin1")).toBe(true);
      }),
    );
  });

  test("kernel threads are known by their flag, and the hashes follow name and image", () => {
    expect(parse(statBytes({ pid: 2, flags: 0x208040 })).stat.isKernelThread).toBe(true);
    const one = parse(statBytes({ pid: 2, name: "a", code: 1 })).stat;
    const renamed = parse(statBytes({ pid: 2, name: "b", code: 1 })).stat;
    const executed = parse(statBytes({ pid: 2, name: "a", code: 2, userTicks: 9 })).stat;
    expect(renamed.imageHash).toBe(one.imageHash);
    expect(renamed.nameHash).not.toBe(one.nameHash);
    expect(executed.nameHash).toBe(one.nameHash);
    expect(executed.imageHash).not.toBe(one.imageHash);
  });

  test("what is cut anywhere before the used fields end is none, and garbage is no harm", () => {
    const bytes = statBytes({ pid: 7, residentPages: 3 });
    const used = bytes.indexOf(" 18446744073709551615");
    for (let length = 0; length < used; length += 1) {
      const { isStat, stat } = parse(bytes, length);
      if (isStat) expect(stat.residentPages).toBeLessThanOrEqual(3);
      expect(isStat && length < used - 1).toBe(false);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (garbage) => {
        parse(garbage);
      }),
    );
  });

  test("our own is what the kernel says", () => {
    const { isStat, stat } = parse(readFileSync("/proc/self/stat"));
    expect(isStat).toBe(true);
    expect(stat).toMatchObject({ pid: process.pid, ppid: process.ppid });
  });
});
