import { isMainThread, workerData } from "node:worker_threads";
import { CommanderError } from "commander";
import { createOutput } from "./cli/output.ts";
import { createProgram } from "./cli/program.ts";
import { AmoskysError } from "./core/errors.ts";
import type { WorkerData } from "./core/worker.ts";

/** Prints an error as one line and a `Try:` line, or as one JSON object; answers the exit status. */
function report(caught: unknown, json: boolean): number {
  const error = fromCommander(caught) ?? AmoskysError.from(caught);
  const output = createOutput(process.env);
  if (json) {
    const { code, message, hint, exitStatus } = error;
    output.note(JSON.stringify({ error: { code, message, hint, exit_status: exitStatus } }));
    return error.exitStatus;
  }
  output.note(`amoskys: ${error.message}`);
  if (error.hint) output.note(`Try: ${error.hint}`);
  if (error.code === "internal" && error.cause instanceof Error) output.note(error.cause.stack ?? "");
  return error.exitStatus;
}

function fromCommander(caught: unknown): AmoskysError | undefined {
  if (!(caught instanceof CommanderError)) return undefined;
  // commander puts a guess behind its message: "(Did you mean status?)"
  const [first = "", guess] = caught.message.replace(/^error: /, "").split("\n");
  const message = guess ? `${first}; ${guess.replace(/^\(D|\)$/g, (edge) => (edge === ")" ? "" : "d"))}` : first;
  return new AmoskysError("usage", message, { hint: "amoskys --help" });
}

async function run(): Promise<number> {
  const context = { output: createOutput(process.env), environment: process.env };
  try {
    await createProgram(context).parseAsync(process.argv);
    return Number(process.exitCode ?? 0);
  } catch (caught) {
    if (caught instanceof CommanderError && caught.exitCode === 0) return 0;
    // a group of commands without one of them: commander has printed the help
    if (caught instanceof CommanderError && caught.code === "commander.help") return 2;
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
