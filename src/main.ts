import { isMainThread, workerData } from "node:worker_threads";
import { CommanderError } from "commander";
import { createOutput } from "./cli/output.ts";
import { runProgram } from "./cli/program.ts";
import { AmoskysError } from "./core/errors.ts";
import type { WorkerData } from "./core/worker.ts";

/** Prints an error as one line and a `Try:` line, or as one JSON object; answers the exit status. */
function report(caught: unknown, json: boolean): number {
  const error = AmoskysError.from(caught);
  const { code, message, hint, exitStatus } = error;
  const output = createOutput(process.env);
  if (code === "output_closed") return exitStatus;
  if (json) {
    output.note(JSON.stringify({ error: { code, message, hint, exit_status: exitStatus } }));
    return exitStatus;
  }
  output.note(`amoskys: ${message}`);
  if (hint) output.note(`Try: ${hint}`);
  if (code === "internal" && error.cause instanceof Error) output.note(error.cause.stack ?? "");
  return exitStatus;
}

async function run(): Promise<number> {
  const context = { output: createOutput(process.env), environment: process.env };
  try {
    await runProgram(context, process.argv);
    return Number(process.exitCode ?? 0);
  } catch (caught) {
    if (caught instanceof CommanderError && caught.exitCode === 0) return 0;
    // a group of commands without one of them: commander has printed the help
    if (caught instanceof CommanderError) return 2;
    try {
      return report(caught, process.argv.includes("--json"));
    } catch {
      return AmoskysError.from(caught).exitStatus;
    }
  }
}

if (isMainThread) {
  process.exit(await run());
} else {
  const { runWorker } = await import("./roles/worker-registry.ts");
  await runWorker(workerData as WorkerData);
}
