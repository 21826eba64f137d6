import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodePublishTree } from "../../src/envelope/index.ts";
import { amoskys, cleanEnvironment, executable } from "../support/amoskys.ts";
import { createTestAuthority, type TestAuthority } from "../support/certificates.ts";
import { flowBody, type TestAgent, TestBus } from "../support/test-bus.ts";

setDefaultTimeout(30_000);

let authority: TestAuthority;
let bus: TestBus;
let agent: TestAgent;
let home: string;
let config: string;

beforeAll(async () => {
  authority = createTestAuthority();
  bus = await TestBus.start({}, authority);
  agent = await bus.agent("agent-1");
  const operator = authority.client("operator");
  await bus.agent("operator", { permissions: ["subscribe", "status"], keys: [] }, operator);
  home = bus.folder;
  mkdirSync(join(home, "config"));
  config = join(home, "config/amoskys.yaml");
  writeFileSync(
    config,
    JSON.stringify({
      agent: { bus_address: `localhost:${bus.port}` },
      storage: { storage_dir: home },
      crypto: { ca_cert: authority.caPath, operator_cert: operator.certPath, operator_key: operator.keyPath },
    }),
  );
  await publish(3);
});

afterAll(async () => {
  await bus.stop();
  authority.remove();
});

async function publish(count: number): Promise<void> {
  const bodies = Array.from({ length: count }, (_, i) => flowBody(agent.next + i));
  const { results } = await agent.client.publishTree(encodePublishTree(agent.seal(bodies)));
  expect(results.map(({ code }) => code)).toEqual(results.map(() => "stored"));
}

const run = (...args: string[]) => amoskys(["--home", home, "events", ...args]);
const linesOf = (text: string) => text.trimEnd().split("\n");

describe("amoskys events query", () => {
  test("reads the log of a running bus, for a person", async () => {
    const { status, stdout } = await run("query", "--limit", "2");
    expect(status).toBe(0);
    const lines = linesOf(stdout);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^ {4}ID {2}TIME {22}AGENT +EVENT$/);
    expect(lines[0]?.indexOf("EVENT")).toBe(lines[2]?.indexOf("IP 0"));
    expect(lines[2]).toMatch(/^ +3 {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z {2}agent-1 +IP 000000000003 -> \?/);
  });

  test("--json is one object a line", async () => {
    const { stdout } = await run("query", "--json", "--kind", "flow", "--agent", "agent-1", "--since", "1h");
    const events = linesOf(stdout).map((line) => JSON.parse(line));
    expect(events.map(({ id, sequence, agent: name, event }) => [id, sequence, name, event.srcIp])).toEqual([
      ["1", "1", "agent-1", "000000000001"],
      ["2", "2", "agent-1", "000000000002"],
      ["3", "3", "agent-1", "000000000003"],
    ]);
  });

  test("--full has all that an event holds below its line", async () => {
    const { stdout } = await run("query", "--limit", "1", "--full");
    const lines = linesOf(stdout);
    expect(lines).toHaveLength(2);
    const full = await run("tail", "--from", "3", "--limit", "1", "--full");
    expect(linesOf(full.stdout)).toEqual(lines.slice(1));
  });

  test("nothing found is said to a person, and is no failure", async () => {
    const { status, stdout, stderr } = await run("query", "--kind", "loss");
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "no events\n" });
    expect((await run("query", "--kind", "loss", "--json")).stderr).toBe("");
    expect((await run("query", "--collector", "scan")).stderr).toBe("no events\n");
    expect(linesOf((await run("query", "--collector", "flow,scan")).stdout)).toHaveLength(4);
  });

  test("an agent that the log does not know is named with those that it knows, also to a script", async () => {
    const note = 'no events of an agent "nosuch" or "scan"; this log has: agent-1\nTry: --collector scan\n';
    for (const form of [[], ["--json"]]) {
      const answer = await run("query", "--agent", "nosuch,scan", ...form);
      expect(answer).toEqual({ status: 0, stdout: "", stderr: note });
    }
    const some = await run("query", "--agent", "agent-1,nosuch", "--limit", "1");
    expect(linesOf(some.stdout)).toHaveLength(2);
    expect(some.stderr).toBe('no events of an agent "nosuch"; this log has: agent-1\n');
    const unknown = await run("query", "--collector", "snpm");
    expect(unknown.status).toBe(2);
    expect(unknown.stderr).toContain("Did you mean snmp?");
  });

  test("a home without a bus log is said with 2", async () => {
    const { status, stderr } = await amoskys(["--home", "/nonexistent", "events", "query"]);
    expect(status).toBe(2);
    expect(linesOf(stderr)[0]).toContain("no bus has run in this home");
  });
});

describe("amoskys events tail", () => {
  test("replays and ends after --limit", async () => {
    const { status, stdout, stderr } = await run("tail", "--from", "2", "--limit", "2", "--json");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const events = linesOf(stdout).map((line) => JSON.parse(line));
    expect(events).toMatchObject([
      { id: "2", agent: "agent-1", sequence: "2", kind: "flow", trust: "verified", event: { srcIp: "000000000002" } },
      { id: "3" },
    ]);
    const queried = await run("query", "--json", "--limit", "2");
    expect(queried.stdout).toBe(stdout);
  });

  test("an agent named as a collector is may be a mistake", async () => {
    const { stderr } = await run("tail", "--agent", "scan", "--limit", "0");
    expect(stderr).toContain("--collector scan follows what the collector sees");
  });

  test("follows, and ends with 0 at a signal", async () => {
    const child = Bun.spawn([executable, "--home", home, "events", "tail", "--from", "3", "--json"], {
      cwd: "/",
      env: cleanEnvironment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const reader = child.stdout.getReader();
    const seen: string[] = [];
    const readUntil = async (count: number) => {
      while (linesOf(seen.join("")).filter(Boolean).length < count) {
        const { value, done } = await reader.read();
        if (done) break;
        seen.push(Buffer.from(value).toString());
      }
    };
    await readUntil(1);
    await publish(2);
    await readUntil(3);
    expect(linesOf(seen.join("")).map((line) => JSON.parse(line).id)).toEqual(["3", "4", "5"]);
    child.kill("SIGINT");
    expect(await child.exited).toBe(0);
  });

  test("a start beyond the last event is refused with the number of the last", async () => {
    const { status, stderr } = await run("tail", "--from", "999");
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /^amoskys: There is no record 999 yet: the last one of the bus is (\d+)\nTry: .* --from \d+/,
    );
  });

  test("where to start is said once", async () => {
    const { status, stderr } = await run("tail", "--from", "2", "--since", "1h");
    expect(status).toBe(2);
    expect(stderr).toContain("give one");
  });

  test("a bus that is not there is said with 13, a certificate that is not there with 12", async () => {
    const away = await amoskys(["--home", home, "events", "tail"], {
      environment: { AMOSKYS_AGENT__BUS_ADDRESS: "localhost:1" },
    });
    expect(away.status).toBe(13);
    expect((await amoskys(["--home", "/nonexistent", "events", "tail"])).status).toBe(12);
  });
});
