import { expect, test } from "bun:test";
import { inTurn } from "../../src/core/lifecycle.ts";

test("every step is taken, in turn, and the first error is thrown at the end", async () => {
  const taken: string[] = [];
  const step = (name: string, error?: string) => async () => {
    await Bun.sleep(1);
    taken.push(name);
    if (error) throw new Error(error);
  };
  const outcome = await inTurn(step("a"), step("b", "first"), step("c", "second"), () => taken.push("d")).then(
    () => "well",
    (error: Error) => error.message,
  );
  expect([outcome, taken]).toEqual(["first", ["a", "b", "c", "d"]]);
  await inTurn();
});
