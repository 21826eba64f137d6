import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dieWithParent } from "../../src/native/index.ts";

const native = new URL("../../src/native/index.ts", import.meta.url).pathname;

function alive(pid: number): boolean {
  try {
    // a zombie is dead already
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
  } catch {
    return false;
  }
}

async function until(holds: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 200 && !holds(); tries += 1) await Bun.sleep(10);
  return holds();
}

/** Starts a parent that starts a child, kills the parent hard, and answers whether the child went with it. */
async function childGoes(childProgram: string): Promise<boolean> {
  const parentProgram = `
    const child = Bun.spawn([process.execPath, "-e", ${JSON.stringify(childProgram)}], {
      detached: true, stdout: "pipe", env: { ...process.env, PARENT: String(process.pid) } });
    const { value } = await child.stdout.getReader().read();
    process.stdout.write(child.pid + " " + new TextDecoder().decode(value) + "\\n");
    await Bun.sleep(60_000);`;
  const parent = Bun.spawn([process.execPath, "-e", parentProgram], { stdout: "pipe" });
  const { value } = await parent.stdout.getReader().read();
  const [pid = "0", said] = new TextDecoder().decode(value).trim().split(" ");
  expect(said).toBe("ready");
  expect(alive(Number(pid))).toBe(true);
  parent.kill("SIGKILL");
  await parent.exited;
  const gone = await until(() => !alive(Number(pid)));
  if (!gone) process.kill(Number(pid), "SIGKILL");
  return gone;
}

describe("process control", () => {
  test("a child that follows its parent ends with it, one that does not stays", async () => {
    const wait = `process.stdout.write("ready"); await Bun.sleep(60_000);`;
    const follow = `(await import(${JSON.stringify(native)})).dieWithParent(Number(process.env.PARENT));`;
    expect(await childGoes(`${follow} ${wait}`)).toBe(true);
    const short = `process.stdout.write("ready"); await Bun.sleep(700);`;
    const before = performance.now();
    expect(await childGoes(short)).toBe(true);
    expect(performance.now() - before).toBeGreaterThan(600);
  });

  test("a parent that has gone already is told", () => {
    expect(() => dieWithParent(process.ppid + 100_000)).toThrow(expect.objectContaining({ code: "interrupted" }));
  });

  test("names the thread, cut at 15 bytes", async () => {
    const program = `(await import(${JSON.stringify(native)})).setThreadName("amoskys: flow agent");
      process.stdout.write(await Bun.file("/proc/self/comm").text());`;
    const child = Bun.spawnSync([process.execPath, "-e", program]);
    expect(child.stdout.toString()).toBe("amoskys: flow a\n");
  });
});
