import { describe, expect, test } from "bun:test";
import { UptimeWatch } from "../../../src/collectors/snmp/uptime-watch.ts";

const turn = 2 ** 32;
const second = 1_000_000_000n;

/** What a watch says of readings: seconds of the clock here, ticks as the device tells them. */
function told(...readings: readonly (readonly [atSeconds: number, ticks: number | undefined])[]): string[] {
  const watch = new UptimeWatch();
  return readings.map(([atSeconds, ticks]) => {
    const uptime = watch.update(ticks, BigInt(atSeconds) * second);
    return uptime ? `${uptime.ticks}${uptime.isRestarted ? " anew" : ""}` : "none";
  });
}

describe("the uptime of a device", () => {
  test("a counter that comes round after 497 days is no restart, and the uptime goes on", () => {
    expect(told([0, turn - 3000], [60, 3000], [120, 9000])).toEqual([
      `${turn - 3000} anew`,
      `${turn + 3000}`,
      `${turn + 9000}`,
    ]);
  });

  test("also where it came round while the device was away for days, and its clock is a little off", () => {
    const day = 86_400;
    expect(told([0, turn - 100 * day], [3 * day, Math.round(299.9 * day) - 100 * day])[1]).not.toContain("anew");
  });

  test("a device that began anew is told so, before and after a turn", () => {
    expect(told([0, 500_000], [60, 1000])).toEqual(["500000 anew", "1000 anew"]);
    // shortly before the turn, but it has been too long ago for the counter to stand there
    expect(told([0, turn - 3000], [600, 1000])[1]).toBe("1000 anew");
    expect(told([0, turn - 3000], [60, 3000], [120, 50])[2]).toBe("50 anew");
  });

  test("what is no uptime is none, and does not disturb what follows", () => {
    expect(told([0, 1000], [1, -5], [2, turn], [3, undefined], [4, Number.NaN], [5, 1500])).toEqual([
      "1000 anew",
      ...Array(4).fill("none"),
      "1500",
    ]);
  });
});
