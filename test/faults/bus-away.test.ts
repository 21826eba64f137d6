import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { eventually, isRunning, RunningHome } from "../support/running-home.ts";
import { BusWatchHome, isWellAgain, timeoutSeconds } from "./bus-watch-home.ts";

setDefaultTimeout(60_000);

const home = new BusWatchHome();
beforeAll(async () => {
  await home.start();
});
afterAll(async () => {
  await home.remove();
});

/** The news that came since `seen`, without the first. */
async function newsSince(seen: number) {
  return (await home.untilNews(isWellAgain(seen + 2))).slice(seen);
}

describe("the agent that watches the bus", () => {
  test("a bus that was stopped is told of once, with the time of the outage, when it is back", async () => {
    // old enough for its next start to be told from this one
    await eventually("four looks are stored", async () => (await home.looks()).length >= 4);
    const seen = (await home.news()).length;
    const stoppedMs = Date.now();
    expect((await home.run("stop", "bus")).status).toBe(0);
    const failing = await eventually("several looks found nothing", async () => {
      const page = await home.page();
      return (page.figures.failed_looks ?? 0) >= 2 ? page : undefined;
    });
    expect(failing.status).toBe("degraded");
    expect(failing.checks.data_collection?.message).toMatch(/^The bus at localhost:\d+ cannot be reached: /);
    const startedMs = Date.now();
    expect((await home.run("start", "bus")).status).toBe(0);
    const news = await newsSince(seen);
    expect(news.map(({ status, previous }) => [status, previous])).toEqual([
      ["OFFLINE", "ONLINE"],
      ["ONLINE", "OFFLINE"],
    ]);
    const [away, back] = news;
    expect(away?.line).toMatch(/cannot be reached: .*; it was well for /);
    // a look has the time at which it began
    expect(away?.atMs).toBeGreaterThanOrEqual(stoppedMs - timeoutSeconds * 1000);
    expect(away?.atMs).toBeLessThan(startedMs);
    expect(back?.atMs).toBeGreaterThanOrEqual(startedMs);
    expect(back?.line).toMatch(/^answers in .*; the bus was started .* ago; it was not answering for /);
  });

  test("a bus that is paused fails each look within the deadline, and is told of once it goes on", async () => {
    const seen = (await home.news()).length;
    const pid = (await home.role("bus"))?.pid as number;
    const before = await home.page();
    const pausedMs = Date.now();
    process.kill(pid, "SIGSTOP");
    try {
      const failing = await eventually("three looks have failed", async () => {
        const page = await home.page();
        return (page.figures.failed_looks ?? 0) - (before.figures.failed_looks ?? 0) >= 3 ? page : undefined;
      });
      // each look has its deadline, and the next begins at its end at the latest
      expect(Date.now() - pausedMs).toBeLessThan(3 * timeoutSeconds * 1000 + 7000);
      expect(failing.status).toBe("degraded");
      expect(failing.checks.data_collection?.message).toMatch(
        /^The bus at localhost:\d+ did not answer within 1 s; amoskys bus status$/,
      );
      expect(isRunning(pid)).toBe(true);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    const goesOnMs = Date.now();
    const [paused, well] = await newsSince(seen);
    expect(paused?.status).toBe("OFFLINE");
    expect(paused?.line).toContain("did not answer within 1 s");
    expect(paused?.atMs).toBeLessThan(goesOnMs);
    // paused, not restarted
    expect(well?.line).not.toContain("was started");
    await eventually("the agent is well", async () => (await home.page()).status === "healthy");
  });

  test("an agent that is no longer trusted says so with its next step, and tells it as a finding later", async () => {
    const seen = (await home.news()).length;
    expect((await home.run("trust", "remove", "agent")).status).toBe(0);
    const refused = await eventually("the agent is refused", async () => {
      const page = await home.page();
      return page.checks.data_collection?.ok === false && page;
    });
    expect(refused.checks.data_collection?.message).toContain("unknown_agent: agent is not in the trust map");
    const once = await home.run("agent", "bus", "--print", "--once");
    expect(once.status).toBe(12);
    expect(once.stderr.trimEnd().split("\n")).toEqual([
      expect.stringMatching(/^amoskys: The bus at localhost:\d+ answered UNAUTHENTICATED: unknown_agent: /),
      "Try: amoskys trust list (where the bus runs)",
    ]);
    const keyPath = join(home.home, "certs/agent.ed25519.pub");
    expect((await home.run("trust", "add", "agent", "--key", keyPath)).status).toBe(0);
    const [denied, trusted] = await newsSince(seen);
    expect([denied?.status, denied?.hasSecurity]).toEqual(["DEGRADED", true]);
    expect([trusted?.status, trusted?.hasSecurity]).toEqual(["ONLINE", false]);
    expect(trusted?.line).toContain("; it was refusing this agent for ");
  });

  test("a host of a foreign authority is refused in one line, and takes no other bus for its own", async () => {
    const port = (await home.role("bus"))?.port;
    const other = new RunningHome({ config: `agent: {bus_address: "localhost:${port}"}\n` });
    try {
      expect((await other.run("certs", "init")).status).toBe(0);
      const { status, stdout, stderr } = await other.run("agent", "bus", "--print", "--once");
      expect(status).toBe(12);
      expect(stdout).toContain('"eventType":"SECURITY"');
      expect(stderr.trimEnd().split("\n")).toEqual([
        expect.stringMatching(/^amoskys: The certificate of the bus at localhost:\d+ is not to be trusted: /),
        "Try: amoskys certs check",
      ]);
    } finally {
      await other.remove();
    }
  });
});
