import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RoleStatus } from "../../src/roles/role-status.ts";
import { amoskys, cleanEnvironment, executable, type Outcome } from "./amoskys.ts";

/** All ports chosen by the kernel, so that homes do not meet. */
const freePorts = {
  AMOSKYS_EVENTBUS__HOST: "127.0.0.1",
  AMOSKYS_EVENTBUS__PORT: "0",
  AMOSKYS_EVENTBUS__HEALTH_PORT: "0",
  AMOSKYS_EVENTBUS__METRICS_PORT_1: "0",
  AMOSKYS_EVENTBUS__METRICS_PORT_2: "0",
};

export interface HomeOptions {
  /** Words before the executable, such as `ip netns exec NAME`. */
  readonly wrapper?: readonly string[];
  /** Text of config/amoskys.yaml. */
  readonly config?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Waits until `check` answers something; fails with what it was waiting for. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | undefined | false> | T | undefined | false,
  withinMs = 20_000,
): Promise<T> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const answer = await check();
    if (answer) return answer;
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await Bun.sleep(50);
  }
}

/** Whether a process is there and no zombie. */
export function isRunning(pid: number): boolean {
  const stat = Bun.spawnSync(["cat", `/proc/${pid}/stat`]).stdout.toString();
  return stat !== "" && !/\) [ZX] /.test(stat);
}

/** A throw-away home with `amoskys up` in it. */
export class RunningHome {
  readonly home = mkdtempSync(join(tmpdir(), "amoskys-home-"));
  readonly #options: HomeOptions;
  #up: Bun.Subprocess<"ignore", "pipe", "pipe"> | undefined;
  #stdout: Promise<string> = Promise.resolve("");
  #stderr: Promise<string> = Promise.resolve("");

  constructor(options: HomeOptions = {}) {
    this.#options = options;
    if (options.config !== undefined) {
      mkdirSync(join(this.home, "config"));
      writeFileSync(join(this.home, "config/amoskys.yaml"), options.config);
    }
  }

  get environment(): Record<string, string> {
    return { ...freePorts, ...this.#options.environment };
  }

  /** The process that was started; a wrapper such as `ip netns exec` becomes it. */
  get pid(): number {
    return this.#up?.pid ?? 0;
  }

  up(...args: string[]): void {
    const child = Bun.spawn([...(this.#options.wrapper ?? []), executable, "--home", this.home, "up", ...args], {
      cwd: "/",
      env: cleanEnvironment(this.environment),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#up = child;
    this.#stdout = new Response(child.stdout).text();
    this.#stderr = new Response(child.stderr).text();
  }

  /** Runs another command on the home. */
  run(...args: string[]): Promise<Outcome> {
    const { wrapper } = this.#options;
    const environment = this.environment;
    return amoskys(["--home", this.home, ...args], wrapper ? { environment, wrapper } : { environment });
  }

  /** The roles as `status --json` tells them, or none while nothing answers. */
  async roles(): Promise<RoleStatus[]> {
    const { stdout } = await this.run("status", "--json");
    return stdout === "" ? [] : (JSON.parse(stdout) as { roles: RoleStatus[] }).roles;
  }

  async role(name: string): Promise<RoleStatus | undefined> {
    return (await this.roles()).find(({ role }) => role === name);
  }

  async untilState(name: string, state: RoleStatus["state"]): Promise<RoleStatus> {
    return await eventually(`${name} is ${state}`, async () => {
      const status = await this.role(name);
      return status?.state === state ? status : undefined;
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#up?.kill(name);
  }

  /** Waits for the end of `up`. */
  async ended(): Promise<Outcome> {
    const status = (await this.#up?.exited) ?? 0;
    return { status, stdout: await this.#stdout, stderr: await this.#stderr };
  }

  /** Ends what runs and removes the home. */
  async remove(): Promise<void> {
    if (this.#up?.exitCode === null) {
      this.#up.kill("SIGTERM");
      await this.#up.exited;
    }
    rmSync(this.home, { recursive: true, force: true });
  }
}
