import { expect, test } from "bun:test";
import { entityIdOf } from "../../src/procfs/index.ts";

test("entityIdOf is the half digest that any BLAKE2b makes", () => {
  const peer = Bun.spawnSync(["b2sum", "-l", "256"], { stdin: Buffer.from("boot 1234 5678") });
  expect(peer.stdout.toString().slice(0, 32)).toBe(entityIdOf("boot", 1234, 5678));
});

test("entityIdOf differs by boot, pid and start", () => {
  const ids = [entityIdOf("a", 1, 2), entityIdOf("b", 1, 2), entityIdOf("a", 2, 2), entityIdOf("a", 1, 3)];
  expect(new Set(ids).size).toBe(4);
  expect(entityIdOf("a", 1, 2)).toBe(ids[0] as string);
});
