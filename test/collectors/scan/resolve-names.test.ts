import { expect, test } from "bun:test";
import { judgeAddresses, resolveName } from "../../../src/collectors/scan/resolve-names.ts";
import { addressText } from "../../../src/core/ip-range.ts";

const never = new AbortController().signal;

test("localhost is loopback, each address once", async () => {
  const { addresses, problem } = await resolveName("localhost", never);
  const texts = addresses.map(({ family, first }) => addressText(family, first));
  expect(problem).toBeUndefined();
  expect(texts).toContain("127.0.0.1");
  expect(new Set(texts).size).toBe(texts.length);
});

test("a lookup that was called off knows nothing", async () => {
  expect(await resolveName("localhost", AbortSignal.abort())).toEqual({ addresses: [], problem: "unknown" });
});

test("of the addresses of a name only what may be scanned is, each once, and it is told why not all are", () => {
  const judged = (...texts: string[]) => {
    const { addresses, problem } = judgeAddresses(texts);
    return [addresses.map(({ family, first }) => addressText(family, first)), problem];
  };
  expect(judged("10.0.0.1", "10.0.0.1", "fd00::1")).toEqual([["10.0.0.1", "fd00::1"], undefined]);
  expect(judged("10.0.0.1", "192.0.2.1")).toEqual([["10.0.0.1"], "not_private"]);
  expect(judged("fe80::1%2", "10.0.0.1")).toEqual([["10.0.0.1"], "link_local"]);
  expect(judged("fe80::1", "2001:db8::1")).toEqual([[], "not_private"]);
  expect(judged()).toEqual([[], "unknown"]);
  expect(judgeAddresses(Array.from({ length: 99 }, (_, n) => `10.0.0.${n}`)).addresses).toHaveLength(16);
});
