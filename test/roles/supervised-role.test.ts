import { afterEach, describe, expect, test } from "bun:test";
import type { RoleStatus } from "../../src/roles/role-status.ts";
import { eventually, isRunning } from "../support/running-home.ts";
import { ChildLines } from "./child-lines.ts";

/** What the host tells: a status at each change, a wait before each restart. */
type Told = Partial<RoleStatus> & { readonly waitMs?: number; readonly isStopped?: true };

/** A process of its own that supervises one role. */
class Host extends ChildLines<Told> {
  get states(): string[] {
    return this.told.flatMap(({ state }) => state ?? []);
  }

  get waits(): number[] {
    return this.told.flatMap(({ waitMs }) => waitMs ?? []);
  }

  last(): Told | undefined {
    return this.told.findLast(({ state }) => state !== undefined);
  }

  until(what: string, check: (host: Host) => boolean): Promise<unknown> {
    return eventually(what, () => check(this));
  }
}

let host: Host;
afterEach(() => host.end());

function start(how: string, shareOfWaits = 0.001): Host {
  host = new Host("supervised-role-child.ts", ["host", how, String(shareOfWaits)]);
  host.tell("start");
  return host;
}

describe("SupervisedRole", () => {
  test("a role that fails is started again ten times, each time later, then given up with its last words", async () => {
    start("1");
    await host.until("it is given up", ({ states }) => states.at(-1) === "failed");
    expect(host.last()).toMatchObject({
      restarts: 10,
      message: "gave up after 10 restarts: ended with 1",
      hint: "mend 1",
    });
    expect(host.waits).toHaveLength(10);
    for (const [i, waitMs] of host.waits.entries()) {
      const ceilingMs = Math.min(30_000, 500 * 2 ** i);
      expect(waitMs).toBeGreaterThanOrEqual(ceilingMs / 2);
      expect(waitMs).toBeLessThanOrEqual(ceilingMs);
    }
    // started again by hand it has all its tries again
    host.tell("start");
    await host.until("it has waited once more", ({ waits }) => waits.length > 10);
    expect(host.waits[10]).toBeLessThanOrEqual(500);
    await host.until("it is tried again and again", ({ waits }) => waits.length > 12);
  });

  test.each([2, 10, 12, 14])("status %i is final at once, with what mends it", async (status) => {
    start(String(status));
    await host.until("it has failed", ({ states }) => states.at(-1) === "failed");
    expect(host.waits).toEqual([]);
    expect(host.last()).toMatchObject({ restarts: 0, message: `ended with ${status}`, hint: `mend ${status}` });
  });

  test.each([11, 13])("status %i is tried again beyond the limit", async (status) => {
    start(String(status));
    await host.until("it was started more often than the limit", () => (host.last()?.restarts ?? 0) >= 11);
    expect(host.states).not.toContain("failed");
    expect(host.waits.every((waitMs) => waitMs <= 30_000)).toBe(true);
  });

  test("stopped while it waits for its next start, it is not started", async () => {
    start("1", 0.5);
    await host.until("it waits", ({ states }) => states.at(-1) === "restarting");
    host.tell("stop 1000");
    await host.until("it is stopped", ({ states }) => states.at(-1) === "stopped");
    const { length } = host.told;
    // the wait was of 250 ms at most
    await Bun.sleep(500);
    expect(host.told.slice(length).filter(({ state }) => state !== undefined)).toEqual([]);
  });

  test("a role that ran for a minute has recovered: what failed before does not count", async () => {
    start("stay", 0.001);
    for (const atLeast of [1, 2, 3]) {
      const pid = await eventually("it runs", () => host.last()?.state === "starting" && host.last()?.pid);
      process.kill(pid, "SIGKILL");
      await host.until("it waits again", ({ waits }) => waits.length >= atLeast);
      await host.until("it runs again", () => host.last()?.pid !== pid && host.last()?.state === "starting");
    }
    expect(host.waits[2]).toBeGreaterThanOrEqual(1000);
    host.tell("later 61000");
    await Bun.sleep(100);
    process.kill(host.last()?.pid as number, "SIGKILL");
    await host.until("it waits a fourth time", ({ waits }) => waits.length === 4);
    expect(host.waits[3]).toBeLessThanOrEqual(500);
    expect(host.told.find(({ state }) => state === "restarting")?.message).toBe("killed by SIGKILL");
  });

  test("a role that drains at the signal is stopped; one that is deaf is ended after the deadline", async () => {
    start("stay");
    const polite = await eventually("it runs", () => host.last()?.pid);
    await Bun.sleep(300);
    host.tell("stop 60000000");
    await host.until("it is stopped", ({ told }) => told.some(({ isStopped }) => isStopped));
    expect(isRunning(polite)).toBe(false);
    expect(host.waits).toEqual([60_000_000]);
    expect([...new Set(host.states)]).toEqual(["starting", "stopping", "stopped"]);
    await host.end();

    start("deaf", 1);
    const deaf = await eventually("it runs", () => host.last()?.pid);
    await Bun.sleep(300);
    host.tell("stop 400");
    await Bun.sleep(200);
    expect(isRunning(deaf)).toBe(true);
    await host.until("it is stopped", ({ told }) => told.some(({ isStopped }) => isStopped));
    expect(isRunning(deaf)).toBe(false);
  });
});
