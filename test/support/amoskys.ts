import { existsSync } from "node:fs";
import { resolve } from "node:path";

/** The built executable; `bun run test` builds it first. */
export const executable = resolve(import.meta.dir, "../../dist/amoskys");

if (!existsSync(executable)) throw new Error("dist/amoskys is not there: bun run build");

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string | Uint8Array;
  /** Words before the executable, such as `ip netns exec NAME`. */
  readonly wrapper?: readonly string[];
  /** A copy of the executable, where another user cannot reach the built one. */
  readonly program?: string;
}

/** The environment of a command under test: nothing of the tests' own settings leaks into it. */
export function cleanEnvironment(extra: RunOptions["environment"] = {}): Record<string, string | undefined> {
  const { PATH, HOME, TMPDIR } = process.env;
  return { PATH, HOME, TMPDIR, ...extra };
}

/** Runs the executable to its end, as a person would. */
export async function amoskys(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = Bun.spawn([...(options.wrapper ?? []), options.program ?? executable, ...args], {
    cwd: options.cwd ?? "/",
    env: cleanEnvironment(options.environment),
    stdin: options.stdin === undefined ? "ignore" : Buffer.from(options.stdin),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { status: await child.exited, stdout, stderr };
}
