import { expect, test } from "bun:test";
import { resolveBus, splitAddress } from "../../src/roles/agent-bus-place.ts";

test.each([
  ["localhost:50051", "localhost", 50_051],
  ["bus.example:7000", "bus.example", 7000],
  ["bus.example", "bus.example", 50_051],
  ["[::1]:50052", "::1", 50_052],
  ["[2001:db8::1]", "2001:db8::1", 50_051],
])("splitAddress takes %s apart", (address, host, port) => {
  expect(splitAddress(address)).toEqual({ host, port });
});

test("resolveBus answers IP addresses, and nothing for a name that is not known", async () => {
  expect(await resolveBus("127.0.0.1:9")).toEqual({ addresses: ["127.0.0.1"], port: 9 });
  expect((await resolveBus("localhost:9"))?.addresses).toContain("127.0.0.1");
  expect(await resolveBus("no-such-host.invalid:9")).toBeUndefined();
});
