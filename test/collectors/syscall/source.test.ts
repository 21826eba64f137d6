import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { syscallName } from "../../../src/collectors/syscall/decode.ts";
import { syscallConfigSchema } from "../../../src/collectors/syscall/index.ts";
import { SyscallSource } from "../../../src/collectors/syscall/source.ts";
import { bpfObjectExists, bpfObstacle, ownBpfObjects } from "../../support/bpf.ts";
import { peerProgram } from "../../support/debian.ts";
import { eventually } from "../../support/eventually.ts";
import { byName, descendants, run, traceWhile } from "./trace.ts";

const obstacle = bpfObstacle();
const strace = obstacle === undefined ? peerProgram("strace", ["strace", "libunwind8"]) : undefined;
const gcc = Bun.which("gcc");
if (obstacle === undefined && !gcc) process.stderr.write("skipped: gcc is not here, for system calls of 32 bits\n");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "amoskys-syscall-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Calls and errors by name, as strace -c counted them. */
function straceTable(path: string): Map<string, string> {
  const rows = readFileSync(path, "utf8").split("\n").slice(2);
  const cells = rows.map((row) => row.trim().split(/\s+/));
  const calls = cells.filter(([name = "-"]) => /^[a-z]/.test(name) && name !== "total");
  return new Map(calls.map(([name = "", count = "", errors = "0"]) => [name, `${count} calls, ${errors} errors`]));
}

/** What strace and we counted of the same run, where the two differ. */
async function disagreement(
  ...command: string[]
): Promise<{ differences: string[]; agreed: number; processes: number }> {
  const output = join(folder, `${Bun.randomUUIDv7()}.strace`);
  let pid = 0;
  const { pairs, executions, unattributed, uncounted } = await traceWhile(async () => {
    pid = await run(strace as string, "-c", "-f", "-U", "name,calls,errors", "-o", output, ...command);
  });
  expect([unattributed, uncounted]).toEqual([0, 0]);
  const processes = descendants(executions, pid);
  const ours = byName(pairs, processes);
  const theirs = straceTable(output);
  const differences: string[] = [];
  let agreed = 0;
  for (const name of [...new Set([...ours.keys(), ...theirs.keys()])].sort()) {
    const figures = ours.get(name);
    const own = figures ? `${figures.calls} calls, ${figures.errors} errors` : "none";
    const other = theirs.get(name) ?? "none";
    if (own === other) agreed += 1;
    else differences.push(`${name}: ${subtract(own, other)}`);
  }
  return { differences, agreed, processes: processes.size };
}

function subtract(a: string, b: string): string {
  const numbers = (text: string) => [...text.matchAll(/\d+/g)].map(Number);
  const [calls = 0, errors = 0] = numbers(a);
  const [otherCalls = 0, otherErrors = 0] = numbers(b);
  return `${calls - otherCalls} calls, ${errors - otherErrors} errors more`;
}

/** The executable of a C program. */
function compiled(program: string): string {
  const path = join(folder, Bun.randomUUIDv7());
  writeFileSync(`${path}.c`, program);
  const { exitCode, stderr } = Bun.spawnSync([gcc as string, "-O1", "-o", path, `${path}.c`]);
  if (exitCode !== 0) throw new Error(stderr.toString());
  return path;
}

const program = `i=0
while [ $i -lt 20 ]; do /bin/true; /bin/cat /nonexistent; i=$((i + 1)); done
/bin/ls /usr/lib; sleep 0.01; kill -0 $$; exec /bin/cat </dev/null`;

describe.skipIf(strace === undefined)("SyscallSource beside strace", () => {
  test("counts the same calls and errors of every process of the same run", async () => {
    // what strace's child does before it is traced, and exit_group, of which strace waits for the return
    const known = await disagreement("/bin/true");
    const found = await disagreement("sh", "-c", program);
    const ofExit = ({ differences }: typeof known) => differences.filter((line) => line.startsWith("exit_group"));
    expect(ofExit(known)).toEqual(["exit_group: 1 calls, 0 errors more"]);
    expect(found.processes).toBe(43);
    expect(ofExit(found)).toEqual(["exit_group: 43 calls, 0 errors more"]);
    const others = (differences: string[]) => differences.filter((line) => !line.startsWith("exit_group"));
    expect(others(found.differences)).toEqual(others(known.differences));
    expect(found.agreed).toBeGreaterThan(25);
  });
});

describe.skipIf(obstacle !== undefined)("SyscallSource", () => {
  test("counts each call once over intervals that follow each other quickly", async () => {
    const count = 200_000;
    const pids: number[] = [];
    const { pairs } = await traceWhile(
      async () => {
        for (const blocks of [0, count]) {
          pids.push(await run("dd", "if=/dev/zero", "of=/dev/null", "bs=1", `count=${blocks}`, "status=none"));
        }
      },
      {},
      20,
    );
    const [none, all] = pids.map((pid) => byName(pairs, new Set([pid])));
    const more = (name: string) => (all?.get(name)?.calls ?? 0) - (none?.get(name)?.calls ?? 0);
    expect([more("read"), more("write")]).toEqual([count, count]);
    expect(
      pairs.filter(({ process, slot }) => process === pids[1] && syscallName(slot) === "read").length,
    ).toBeGreaterThan(2);
  });

  test("puts a sleep of 10 ms into the bucket up to 2^24 ns", async () => {
    let pid = 0;
    const { pairs } = await traceWhile(async () => {
      pid = await run("sleep", "0.01");
    });
    const figures = byName(pairs, new Set([pid])).get("clock_nanosleep");
    expect(figures).toMatchObject({ calls: 1, errors: 0, measured: 1 });
    const { buckets = [], minNs, maxNs = 0, totalNs } = figures ?? {};
    expect([minNs, totalNs]).toEqual([maxNs, maxNs]);
    expect(maxNs).toBeGreaterThanOrEqual(10_000_000);
    // the bucket is where the duration says, and that is the one after 2^23 ns unless the machine was slow to wake it
    expect(buckets.indexOf(1)).toBe(Math.ceil(Math.log2(maxNs)) - 8);
    if (maxNs <= 2 ** 24) expect(buckets.indexOf(1)).toBe(16);
  });

  const tree = /^\S+ (\S+) cgroup2 /m.exec(readFileSync("/proc/mounts", "utf8"))?.[1];
  test.skipIf(tree === undefined)("an execution has the number of its control group, that of its folder", async () => {
    const group = join(tree as string, `amoskys-test-${process.pid}`);
    mkdirSync(group);
    try {
      let pid = 0;
      const { executions } = await traceWhile(async () => {
        pid = await run("sh", "-c", `echo $$ > ${group}/cgroup.procs && exec /bin/true`);
      });
      const inside = executions.find((one) => one.pid === pid && one.exe === "/bin/true");
      expect(inside?.cgroupId).toBe(statSync(group, { bigint: true }).ino);
    } finally {
      rmdirSync(group);
    }
  });

  test("gives a process the name of what it executed last", async () => {
    let pid = 0;
    const { pairs } = await traceWhile(async () => {
      pid = await run("sh", "-c", "exec sleep 0");
    });
    expect(new Set(pairs.filter(({ process }) => process === pid).map(({ name }) => name))).toEqual(new Set(["sleep"]));
  });

  test("leaves its own calls out, unless asked for", async () => {
    const work = async () => void readFileSync("/proc/self/stat");
    const own = async (exclude_own: boolean) => {
      const { pairs } = await traceWhile(work, { exclude_own });
      return byName(pairs, new Set([process.pid])).get("read")?.calls ?? 0;
    };
    expect(await own(true)).toBe(0);
    expect(await own(false)).toBeGreaterThan(0);
  });

  test("counts by system call alone where there is no room for a process", async () => {
    const loop = "i=0; while [ $i -lt 200 ]; do chroot /nonexistent/folder /bin/true; i=$((i + 1)); done";
    const { pairs, rest, unattributed } = await traceWhile(() => run("sh", "-c", loop), { pairs_max: 64 });
    expect(pairs.length).toBeLessThanOrEqual(64);
    const slot = 161;
    expect(syscallName(slot)).toBe("chroot");
    const inPairs = pairs.filter((pair) => pair.slot === slot).map(({ figures }) => figures);
    const sum = (of: "calls" | "errors") =>
      inPairs.reduce((total, figures) => total + figures[of], rest.get(slot)?.[of] ?? 0);
    expect([sum("calls"), sum("errors")]).toEqual([200, 200]);
    expect(rest.get(slot)?.calls).toBeGreaterThan(100);
    // the one is read after the other, and others make calls meanwhile
    const unplaced = [...rest.values()].reduce((total, { calls }) => total + calls, 0);
    expect(unattributed).toBeWithin(unplaced * 0.95, unplaced + 1);
  });

  test.skipIf(!gcc)("a call that seccomp answers is not taken for the one before", async () => {
    const binary = compiled(`#include <linux/filter.h>
      #include <linux/seccomp.h>
      #include <stddef.h>
      #include <sys/prctl.h>
      #include <sys/syscall.h>
      #include <unistd.h>
      int main(void) {
        struct sock_filter code[] = {
          BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = {4, code};
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return 1;
        for (int i = 0; i < 5; i++) { syscall(SYS_getpgrp); if (syscall(SYS_getppid) != -1) return 2; }
        return 0;
      }`);
    let pid = 0;
    const { pairs } = await traceWhile(async () => {
      pid = await run(binary);
    });
    const found = byName(pairs, new Set([pid]));
    expect([found.get("getpgrp")?.calls, found.get("getpgrp")?.errors]).toEqual([5, 0]);
  });

  test.skipIf(!gcc)("tells calls of 32 bits from those of 64, and numbers that are no call", async () => {
    const binary = compiled(`#include <unistd.h>
      int main(void) {
        for (int i = 0; i < 7; i++) {
          long number = 64; /* getppid of ia32 */
          __asm__ volatile("int $0x80" : "+a"(number) : : "memory");
        }
        for (int i = 0; i < 5; i++) { syscall(9999); syscall(-1); }
        for (int i = 0; i < 3; i++) syscall(0x40000000 | 110); /* getppid of x32 */
        return 0;
      }`);
    let pid = 0;
    const { pairs } = await traceWhile(async () => {
      pid = await run(binary);
    });
    const found = byName(pairs, new Set([pid]));
    const wanted = ["ia32:getppid", "unknown", "x32:110"].map((name) => [name, found.get(name)?.calls]);
    expect(wanted).toEqual([
      ["ia32:getppid", 7],
      ["unknown", 10],
      ["x32:110", 3],
    ]);
    expect(found.get("unknown")?.errors).toBe(10);
    expect(found.get("semget")).toBeUndefined();
  });

  test("releases every descriptor, map, program and link", () => {
    const descriptors = () => readdirSync("/proc/self/fd").length;
    const mapped = () =>
      readFileSync("/proc/self/maps", "latin1")
        .split("\n")
        .filter((line) => /bpf/.test(line)).length;
    const cycle = () => {
      const source = new SyscallSource(syscallConfigSchema.parse({}));
      source.open();
      const open = [descriptors(), mapped()];
      source.takeInterval();
      expect([descriptors(), mapped()]).toEqual(open as [number, number]);
      source.close();
      source.close();
      return open as [number, number];
    };
    cycle();
    const before = [descriptors(), mapped()];
    const [opened = 0, maps = 0] = cycle();
    // 7 maps, 4 programs, 3 links; two mappings of the ring
    expect([opened - (before[0] as number), maps]).toEqual([14, 2]);
    expect([descriptors(), mapped()]).toEqual(before);
  });

  test("nothing of it stays in the kernel when it is closed", async () => {
    const source = new SyscallSource(syscallConfigSchema.parse({}));
    source.open();
    const objects = ownBpfObjects();
    const countOf = (wanted: string) => objects.filter(({ kind }) => kind === wanted).length;
    expect(["map_id", "prog_id", "link_id"].map(countOf)).toEqual([7, 4, 3]);
    expect(objects.every(bpfObjectExists)).toBe(true);
    source.close();
    await eventually("the kernel has let go", () => !objects.some(bpfObjectExists));
  });
});
