import { expect, test } from "bun:test";
import { AmoskysError } from "../../src/core/errors.ts";
import { identityRefused } from "../../src/delivery/refusal.ts";
import { Trouble } from "../../src/delivery/trouble.ts";
import { createHeard } from "./agent-bench.ts";
import { createTestClock } from "./test-clock.ts";

test("Trouble is told when it begins, when it changes and once a minute, and its end once", () => {
  const heard = createHeard();
  const clock = createTestClock();
  const trouble = new Trouble(heard, clock);
  const away = new AmoskysError("unreachable", "The bus is away", { hint: "amoskys bus serve" });
  trouble.over();
  for (let second = 0; second < 130; second += 1) {
    trouble.tell(away);
    clock.advance(1000);
  }
  trouble.tell(identityRefused("agent", "revoked", ""));
  trouble.tell(identityRefused("agent", "expired", ""));
  trouble.over();
  trouble.over();
  expect(heard.lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
    "warn The bus is away",
    "warn The bus is away",
    "warn The bus is away",
    "error The bus refuses the identity agent (revoked)",
    "error The bus refuses the identity agent (expired)",
    "info the bus takes events again",
  ]);
  expect(heard.lines[0]?.fields).toEqual({ code: "unreachable", hint: "amoskys bus serve" });
});

test("Trouble that comes and goes with every answer is told once a minute", () => {
  const heard = createHeard();
  const clock = createTestClock();
  const trouble = new Trouble(heard, clock);
  for (let second = 0; second < 100; second += 1) {
    trouble.tell(new AmoskysError("unreachable", "The bus is busy"));
    trouble.over();
    clock.advance(1000);
  }
  const lines = ["The bus is busy", "the bus takes events again"];
  expect(heard.lines.map(({ message }) => message)).toEqual([...lines, ...lines]);
});
