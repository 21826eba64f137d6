import { describe, expect, test } from "bun:test";
import { readClockDiscipline } from "../../src/native/index.ts";

describe("clock discipline", () => {
  test("answers what adjtimex(2) says", () => {
    const { synchronized, errorMsMax } = readClockDiscipline();
    expect(errorMsMax).toBeGreaterThanOrEqual(0);
    // NTP_PHASE_LIMIT of linux/timex.h: the kernel's bound, reached where nobody keeps the clock
    expect(errorMsMax).toBeLessThanOrEqual(16_000);
    if (errorMsMax >= 16_000) expect(synchronized).toBe(false);
  });
});
