import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { amoskys } from "../support/amoskys.ts";
import { bpfObstacle } from "../support/bpf.ts";

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "amoskys-home-"));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const environment = { AMOSKYS_SYSCALL__INTERVAL_S: "1" };

interface Line {
  readonly kind: string;
  readonly event: {
    readonly events?: { readonly metricData?: { readonly metricName: string } }[];
    readonly exe?: string;
  };
}

describe.skipIf(bpfObstacle() !== undefined)("amoskys agent syscall", () => {
  test("prints one report over its interval, and what was executed in it", async () => {
    const timer = setInterval(() => Bun.spawnSync(["true"]), 100);
    const { status, stdout, stderr } = await amoskys(["--home", home, "agent", "syscall", "--print", "--once"], {
      environment,
    });
    clearInterval(timer);
    expect([status, stderr]).toEqual([0, ""]);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
    const names = lines.flatMap(({ event }) => event.events?.map(({ metricData }) => metricData?.metricName) ?? []);
    expect(names).toContain("syscall.all.count");
    expect(names).toContain("syscall.latency");
    expect(lines.some(({ kind, event }) => kind === "process" && event.exe?.endsWith("/true"))).toBe(true);
  });
});

describe.skipIf(process.getuid?.() !== 0 || Bun.which("setpriv") === null)("amoskys agent syscall unprivileged", () => {
  test("ends with 14, one line and what to try", async () => {
    const wrapper = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"];
    const { status, stdout, stderr } = await amoskys(["agent", "syscall", "--print", "--once"], { wrapper });
    expect([status, stdout]).toEqual([14, ""]);
    expect(stderr.trim().split("\n").length).toBe(2);
    expect(stderr).toMatch(
      /^amoskys: System calls and executions cannot be seen: .* CAP_BPF and CAP_PERFMON are missing$/m,
    );
    expect(stderr).toMatch(/^Try: sudo amoskys, or a service with AmbientCapabilities=CAP_BPF CAP_PERFMON/m);
  });
});
