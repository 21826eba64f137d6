import { resolve } from "node:path";
import { Command } from "commander";
import { AmoskysError } from "../core/errors.ts";
import { printable } from "../core/escape.ts";
import { statOf } from "../core/system-error.ts";
import type { VerifyReport } from "../tasks/wal-verify.ts";
import { alignColumns, wrapBehind } from "./columns.ts";
import { type CliContext, configSource, textOption } from "./context.ts";
import { logWords } from "./wal-options.ts";

interface VerifyOptions {
  readonly trust?: string;
  readonly independent?: boolean;
  readonly json?: boolean;
}

/** Bad records that a person is shown; `--json` has up to a hundred. */
const findingsShown = 10;
/** Sentences are wrapped there. */
const textColumns = 110;

/** `amoskys wal verify`. */
export function walVerifyCommand(context: CliContext): Command {
  return new Command("verify")
    .description("verify a log: structure, digests, signatures, chain and sequence")
    .argument("<path>", "a log of an agent or of a bus, also one in use, or a file of the old form")
    .option("--trust <file>", "trust map with the public keys (default: that of the home, if there is one)", textOption)
    .option("--independent", "check signatures with a second implementation (slow)")
    .option("--json", "one JSON document")
    .addHelpText(
      "after",
      "\nNames the first bad record and what is wrong with it, and says what the log cannot prove by itself." +
        logWords +
        "\n\nExample:\n  amoskys wal verify data/storage/bus.db --trust config/trust_map.yaml" +
        "\n\nExit status: 0 all of it holds, 2 usage or no such file, 3 nothing is wrong, but signatures could not" +
        "\n  be checked, 10 config, 11 the log is bad, 12 the trust map is missing or broken,\n  14 permission denied",
    )
    .action(async (path: string, options: VerifyOptions, command: Command) => {
      const { isComplete, verifyLog } = await import("../tasks/wal-verify.ts");
      const { home, trustPath } = await trustOf(options, command, context);
      const report = verifyLog({ path, trustPath, home, independent: options.independent });
      if (options.json) {
        const { verifyJson } = await import("../tasks/render-verify.ts");
        context.output.printJson(verifyJson(report));
      } else {
        await printText(context, report);
      }
      const [first] = report.findings;
      if (first) throw await badLog(report);
      if (!isComplete(report)) throw unproven(report);
    });
}

/** The trust map that was named, or that of the home where there is one. */
async function trustOf(options: VerifyOptions, command: Command, context: CliContext) {
  if (options.trust !== undefined) return { trustPath: resolve(options.trust), home: undefined };
  const { loadHomeConfig } = await import("../roles/config.ts");
  const source = configSource(command, context);
  const path = resolve(source.home, loadHomeConfig(source).config.crypto.trust_map_path);
  return statOf(path) ? { trustPath: path, home: source.home } : { trustPath: undefined, home: undefined };
}

async function badLog(report: VerifyReport): Promise<AmoskysError> {
  const { findingLine } = await import("../tasks/render-verify.ts");
  const [first] = report.findings;
  const where = first ? findingLine(first) : "";
  return new AmoskysError("log_corrupt", `The log ${printable(report.path)} is bad: ${where}`, {
    hint: `amoskys wal inspect ${printable(report.path)}`,
  });
}

function unproven(report: VerifyReport): AmoskysError {
  const { trustPath, strangers, signatures } = report;
  const records = signatures.unknown_key + signatures.incomplete_tree;
  const named = strangers.map(printable).join(", ");
  const why =
    trustPath === undefined
      ? "there is no trust map"
      : named
        ? `the trust map has no key of ${named}`
        : "no key in the trust map made them, or leaves of their trees are gone";
  return new AmoskysError("partial", `Signatures of ${records} records were not checked: ${why}`, {
    hint:
      trustPath === undefined
        ? `amoskys wal verify ${printable(report.path)} --trust FILE`
        : `amoskys trust add NAME --key FILE, or --trust with the trust map of the time`,
  });
}

/** "all " where some signatures were checked. */
function someOrAll({ signatures: { good, unsigned } }: VerifyReport): string {
  return good + unsigned > 0 ? "all " : "";
}

async function printText(context: CliContext, report: VerifyReport): Promise<void> {
  const { findingLine, recordsLine, signatureLine, sourceLine, unprovenLines } = await import(
    "../tasks/render-verify.ts"
  );
  const { isComplete } = await import("../tasks/wal-verify.ts");
  const { output } = context;
  const { treeSize, treeRoot, trustPath, findings, counts } = report;
  const rows: [string, string][] = [["Records", recordsLine(report)]];
  const root = Buffer.from(treeRoot).toString("hex");
  if (treeSize > 0) rows.push(["Tree", `${treeSize.toLocaleString("en-US")} leaves, root ${root}`]);
  if (trustPath !== undefined) rows.push(["Trust map", printable(trustPath)]);
  rows.push(["Signatures", signatureLine(report)]);
  for (const source of report.sources) rows.push(["Source", sourceLine(source)]);
  output.print(output.colour.bold(printable(report.path)));
  for (const line of alignColumns(rows)) output.print(`  ${line}`);
  for (const text of unprovenLines(report)) {
    for (const line of wrapBehind("  Not proven: ", text, textColumns)) output.print(line);
  }
  if (findings.length === 0) {
    if (isComplete(report)) output.print(`${output.colour.green("sound")}: nothing is wrong with what can be proven`);
    else output.print(`${output.colour.yellow("structure is sound")}; signatures were not ${someOrAll(report)}checked`);
    return;
  }
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  for (const finding of findings.slice(0, findingsShown))
    output.print(`${output.colour.red("bad")}: ${findingLine(finding)}`);
  if (total > findingsShown) output.print(`and ${(total - findingsShown).toLocaleString("en-US")} more`);
}
