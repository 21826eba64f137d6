import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/running-home.ts";
import { ChildLines } from "./child-lines.ts";

/** What the host tells: a change of a role, or what came of a command. */
interface Told {
  readonly role?: string;
  readonly state?: string;
  readonly done?: string;
  readonly states?: readonly string[];
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
}

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

function startHost(busReadyMs = 0): ChildLines<Told> {
  const home = mkdtempSync(join(tmpdir(), "amoskys-supervisor-"));
  cleanups.push(() => rmSync(home, { recursive: true, force: true }));
  const host = new ChildLines<Told>("supervisor-child.ts", ["host", home, String(busReadyMs)]);
  cleanups.push(() => host.end());
  return host;
}

async function done(host: ChildLines<Told>, line: string): Promise<Told> {
  host.tell(line);
  return await eventually(`${line} is done`, () => host.told.find((told) => told.done === line));
}

/** The changes that were told, as `ROLE STATE`, each once in a row. */
function changes(host: ChildLines<Told>): string[] {
  const all = host.told.flatMap(({ role, state }) => (role ? [`${role} ${state}`] : []));
  return all.filter((change, i) => change !== all[i - 1]);
}

describe("Supervisor", () => {
  test("the agents start when the bus is ready, drain before it, and start after it again", async () => {
    const host = startHost(700);
    host.tell("startAll");
    await eventually("the bus starts", () => changes(host).includes("bus starting"));
    await Bun.sleep(300);
    expect(changes(host)).toEqual(["bus starting"]);
    await eventually("all have started", () => host.told.some((told) => told.done === "startAll"));
    expect(changes(host)).toEqual(["bus starting", "flow starting", "proc starting"]);

    host.told.splice(0);
    await done(host, "restart");
    const restarted = changes(host);
    const at = (change: string) => restarted.indexOf(change);
    expect(at("bus stopping")).toBeGreaterThan(Math.max(at("flow stopped"), at("proc stopped")));
    expect(at("bus starting")).toBeGreaterThan(at("bus stopped"));
    expect(at("flow starting")).toBeGreaterThan(at("bus starting"));

    host.told.splice(0);
    expect(await done(host, "end")).toMatchObject({ states: ["stopped", "stopped", "stopped"] });
    expect(changes(host).slice(-2)).toEqual(["bus stopping", "bus stopped"]);
  });

  test("one role is stopped and restarted without the others", async () => {
    const host = startHost();
    await done(host, "startAll");
    host.told.splice(0);
    await done(host, "stop proc");
    await done(host, "restart flow");
    expect(changes(host)).toEqual(["proc stopping", "proc stopped", "flow stopping", "flow stopped", "flow starting"]);
  });

  test("ended while the bus is not ready yet, it starts no agent", async () => {
    const host = startHost(60_000);
    host.tell("startAll");
    await eventually("the bus starts", () => changes(host).includes("bus starting"));
    await Bun.sleep(200);
    await done(host, "end");
    await eventually("the start has ended", () => host.told.some((told) => told.done === "startAll"));
    expect(changes(host).filter((change) => !change.startsWith("bus"))).toEqual(["flow stopped", "proc stopped"]);
  });

  test("a name that is no role is refused with the nearest", async () => {
    const { error } = await done(startHost(), "stop prok");
    expect(error).toEqual({
      code: "usage",
      message: '"prok" is no role of this home; there are bus, flow, proc',
      hint: expect.stringContaining("proc"),
    });
  });
});
