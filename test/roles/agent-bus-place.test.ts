import { expect, test } from "bun:test";
import { resolveBus } from "../../src/roles/agent-bus-place.ts";

test("resolveBus answers IP addresses, and nothing for a name that is not known", async () => {
  expect(await resolveBus("127.0.0.1:9")).toEqual({ addresses: ["127.0.0.1"], port: 9 });
  expect((await resolveBus("localhost:9"))?.addresses).toContain("127.0.0.1");
  expect(await resolveBus("no-such-host.invalid:9")).toBeUndefined();
});
