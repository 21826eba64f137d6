import { resolve } from "node:path";
import { Command } from "commander";
import { systemClock } from "../core/clock.ts";
import { AmoskysError } from "../core/errors.ts";
import { printable } from "../core/escape.ts";
import type { DoctorCheck } from "../tasks/doctor-check.ts";
import { alignColumns } from "./columns.ts";
import { type CliContext, configSource } from "./context.ts";
import { homeIdentity } from "./identity-source.ts";
import type { Output } from "./output.ts";
import { version } from "./version.ts";

async function examine(command: Command, context: CliContext): Promise<DoctorCheck[]> {
  const { loadHomeConfig } = await import("../roles/config.ts");
  const { listRunFiles } = await import("../roles/run-file.ts");
  const { examineHost } = await import("../tasks/doctor.ts");
  const source = configSource(command, context);
  const facts = { home: source.home, version, clock: systemClock };
  try {
    const loaded = loadHomeConfig(source);
    const { config } = loaded;
    const running = listRunFiles(resolve(source.home, config.storage.data_dir));
    return examineHost({ ...facts, config, identity: await homeIdentity(loaded, source.home), running });
  } catch (caught) {
    const { identityPaths } = await import("../identity/index.ts");
    const identity = { paths: identityPaths(source.home) };
    return examineHost({ ...facts, config: AmoskysError.from(caught), identity, running: [] });
  }
}

function printChecks(output: Output, checks: readonly DoctorCheck[]): void {
  const rows = alignColumns(checks.map(({ status, name, found }) => [status, name, printable(found)]));
  const paint = { ok: output.colour.green, warn: output.colour.yellow, fail: output.colour.red };
  for (const [i, { status, lost, hint }] of checks.entries()) {
    output.print(paint[status](status) + (rows[i] as string).slice(status.length));
    if (status === "ok") continue;
    if (lost) output.print(`        lost: ${printable(lost)}`);
    if (hint) output.print(`        try: ${printable(hint)}`);
  }
}

/** `amoskys doctor`. */
export function doctorCommand(context: CliContext): Command {
  return new Command("doctor")
    .description("look at what this host offers: what works, what is lost, what to do")
    .option("--json", "one JSON document")
    .addHelpText(
      "after",
      `
Changes nothing: a packet ring is opened and closed, a file of 36 KiB is written beside the logs and removed.

Example:
  sudo amoskys --home /var/lib/amoskys doctor

Exit status: 0 all that is needed is there, 10 config, 11 logs cannot be kept, 12 identity, 13 port in use,
  14 missing privilege or kernel facility; of several the one that comes first in the list`,
    )
    .action(async (options: { json?: boolean }, command: Command) => {
      const { verdictOf } = await import("../tasks/doctor.ts");
      const checks = await examine(command, context);
      const verdict = verdictOf(checks);
      if (options.json) context.output.printJson({ ok: verdict === undefined, checks });
      else printChecks(context.output, checks);
      if (verdict) throw verdict;
    });
}
