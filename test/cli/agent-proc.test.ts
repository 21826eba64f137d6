import { afterAll, describe, expect, test } from "bun:test";
import { amoskys } from "../support/amoskys.ts";
import { eventually, RunningHome } from "../support/running-home.ts";

const homes: RunningHome[] = [];
const children: Bun.Subprocess[] = [];
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(homes.map((home) => home.remove()));
});

interface Line {
  readonly kind: string;
  readonly event: { readonly pid?: string; readonly kind?: string; readonly args?: string[]; readonly exe?: string };
}

const canDrop = process.getuid?.() === 0 && Bun.which("setpriv") !== null;
const unprivileged = canDrop ? ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"] : undefined;

const linesOf = (stdout: string) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

describe("amoskys agent proc", () => {
  test("--print --once tells what is there, then the figures, and ends", async () => {
    const child = Bun.spawn(["sh", "-c", "read x", "a\nb\u001b[2J"], { stdin: "pipe" });
    children.push(child);
    const { status, stdout, stderr } = await amoskys(["agent", "proc", "--print", "--once"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).not.toContain("\u001b");
    const lines = linesOf(stdout);
    expect(lines.at(-1)?.kind).toBe("device");
    expect(lines.filter(({ kind }) => kind === "process").every(({ event }) => event.kind === "seen")).toBe(true);
    const found = lines.find(({ event }) => event.pid === String(child.pid));
    expect(found?.event.args).toEqual(["sh", "-c", "read x", "a\nb\u001b[2J"]);
  });

  test("a wrong setting and a missing /proc are said in one line", async () => {
    const wrong = await amoskys(["agent", "proc", "--print", "--once"], {
      environment: { AMOSKYS_PROC__SAMPLE_RATE: "7" },
    });
    expect(wrong.status).toBe(10);
    expect(wrong.stderr).toContain("proc.sample_rate");
    const missing = await amoskys(["agent", "proc", "--print", "--once"], {
      environment: { AMOSKYS_PROC__PROC_ROOT: "/nowhere" },
    });
    expect(missing).toMatchObject({ status: 14, stdout: "" });
    expect(missing.stderr).toMatch(/^amoskys: There is no proc file system at "\/nowhere"\nTry: /);
  });

  test.skipIf(unprivileged === undefined)(
    "without privileges every process is told, and once what is not seen",
    async () => {
      const { status, stdout, stderr } = await amoskys(["agent", "proc", "--print", "--once"], {
        wrapper: unprivileged as string[],
      });
      expect(status).toBe(3);
      expect(linesOf(stdout).some(({ event }) => event.pid === String(process.pid))).toBe(true);
      const [warning, verdict] = stderr.split("\n");
      expect(warning).toMatch(/later executions of \d+ processes are not seen \(CAP_SYS_PTRACE is missing\)/);
      expect(verdict).toMatch(/^amoskys: The round of proc is not whole: /);
    },
  );

  test("under up, start and end of a process come to the bus, signed and in order", async () => {
    const home = new RunningHome({ environment: { AMOSKYS_PROC__INTERVAL_S: "0.2" } });
    homes.push(home);
    home.up("--roles", "bus,proc,host");
    await home.untilState("bus", "healthy");
    await home.untilState("proc", "healthy");
    await home.untilState("host", "healthy");
    await eventually("the first round is stored", async () => {
      const { stdout } = await home.run("events", "query", "--kind", "device", "--json");
      return stdout.includes('"process.count"') && stdout.includes('"host.load.1m"');
    });
    const child = Bun.spawn(["sleep", "60.25"]);
    children.push(child);
    const kinds = async () => {
      const { stdout } = await home.run("events", "query", "--kind", "process", "--limit", "100000", "--json");
      const lines = stdout === "" ? [] : linesOf(stdout);
      return lines.filter(({ event }) => event.pid === String(child.pid)).map(({ event }) => event.kind);
    };
    await eventually("its start is stored", async () => (await kinds()).includes("start"));
    child.kill("SIGKILL");
    const all = await eventually("its end is stored", async () => {
      const found = await kinds();
      return found.includes("exit") && found;
    });
    // the newest comes first, or last: either way the start and the end are at the ends
    expect([all[0], all.at(-1)].sort()).toEqual(["exit", "start"]);
    const verified = await home.run("wal", "verify", `${home.home}/data/wal/procagent.db`);
    expect(verified.status).toBe(0);
    expect((await home.run("down")).status).toBe(0);
  }, 30_000);
});
