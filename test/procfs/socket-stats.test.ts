import { expect, test } from "bun:test";
import { parseSocketStats } from "../../src/procfs/index.ts";

test("parseSocketStats has counts by protocol and name, and leaves out what is none", () => {
  const text =
    "sockets: used 229\nTCP: inuse 4 orphan 0 tw 4 alloc 17 mem 1\nTCP6: inuse 17\nFRAG: inuse 0 memory\ngarbage 1\n" +
    "RAW: inuse x\n\n";
  const plain = Object.fromEntries(
    [...parseSocketStats(text)].map(([name, counts]) => [name, Object.fromEntries(counts)]),
  );
  expect(plain).toEqual({
    sockets: { used: 229 },
    TCP: { inuse: 4, orphan: 0, tw: 4, alloc: 17, mem: 1 },
    TCP6: { inuse: 17 },
    FRAG: { inuse: 0 },
    RAW: {},
  });
  expect(parseSocketStats("").size).toBe(0);
});
