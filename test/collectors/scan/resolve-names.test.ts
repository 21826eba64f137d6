import { expect, test } from "bun:test";
import { addressText } from "../../../src/collectors/scan/address-range.ts";
import { resolveName } from "../../../src/collectors/scan/resolve-names.ts";

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
