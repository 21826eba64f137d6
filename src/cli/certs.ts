import { relative } from "node:path";
import { Command } from "commander";
import { systemClock } from "../core/clock.ts";
import { AmoskysError } from "../core/errors.ts";
import { printable } from "../core/escape.ts";
import type { IdentityPaths } from "../identity/index.ts";
import type { CertificateReport, ListedCertificate } from "../tasks/certs-check.ts";
import { alignColumns } from "./columns.ts";
import { commandGroup } from "./command-group.ts";
import { type CliContext, listOption } from "./context.ts";
import { identitySource } from "./identity-source.ts";

function initCommand(context: CliContext): Command {
  return new Command("init")
    .description("make the authority, the certificates of the bus, the first agent and the operator, and the trust map")
    .option("--host <name>", "a name or address under which agents reach the bus; may be repeated", listOption)
    .option("--agent <name>", "name of the first agent", "agent")
    .option("--json", "one JSON document")
    .addHelpText(
      "after",
      "\nNothing is ever overwritten. localhost, 127.0.0.1, ::1 and the name of this host are always among the hosts." +
        "\n\nExample:\n  amoskys certs init --host bus.example.org --host 192.0.2.10" +
        "\n\nExit status: 0 made, 2 no such host name, 10 config, 11 no space left, 12 there is an identity already",
    )
    .action(async (options: { host?: string[]; agent: string; json?: boolean }, command: Command) => {
      const { initIdentity } = await import("../identity/index.ts");
      const { paths } = await identitySource(command, context);
      const nowMs = systemClock.wallMs();
      const made = await initIdentity(paths, { agent: options.agent, hosts: options.host ?? [], nowMs });
      const { output } = context;
      const { finished, files } = made;
      if (options.json) {
        return output.printJson({ finished, files, certs: paths.certs, trust_map: paths.trustMap });
      }
      if (finished) output.print(`Finished what an earlier run had begun in ${paths.certs}`);
      else {
        output.print(`Made in ${paths.certs}: the authority (ca), the bus (server, bus.ed25519), the first agent`);
        output.print(`(${options.agent}) and the operator's certificate (operator); trusted in ${paths.trustMap}`);
      }
      output.print("Keep ca.key safe: who has it can make certificates.");
      output.print("Next: amoskys up");
    });
}

interface GenOptions {
  readonly host?: string[];
  readonly replace?: boolean;
  readonly json?: boolean;
}

function genCommand(context: CliContext): Command {
  return new Command("gen")
    .description("make the certificate and the signing key of one more agent, and trust it; or a new one of the bus")
    .argument("<name>", "name of the agent; operator: who looks at the bus; server: the bus itself")
    .option("--host <name>", "server: a name or address of the bus besides the usual ones; may be repeated", listOption)
    .option("--replace", "server: put it in the place of the one that is there, which is kept as .old")
    .option("--json", "one JSON document")
    .addHelpText(
      "after",
      "\nA certificate whose .crt and .key were moved away is made anew; its signing key stays. A new certificate of" +
        "\nthe bus is for the hosts of the one that it replaces, too; a running bus takes it up within seconds." +
        "\n\nExamples:\n  amoskys certs gen web-1\n  amoskys certs gen server --host bus.example.org --replace" +
        "\n\nExit status: 0 made, 2 no agent's name, 10 config, 11 no space left, 12 it exists, or no authority here," +
        "\n  14 permission denied",
    )
    .action(async (name: string, options: GenOptions, command: Command) => {
      const { paths } = await identitySource(command, context);
      if (name === "server") return genServer(context, paths, options);
      if (options.host || options.replace) {
        throw new AmoskysError("usage", "--host and --replace are for the certificate of the bus", {
          hint: "amoskys certs gen server --host bus.example.org --replace",
        });
      }
      await genAgent(context, paths, name, options);
    });
}

async function genAgent(context: CliContext, paths: IdentityPaths, name: string, options: GenOptions): Promise<void> {
  const { generateCertificate } = await import("../tasks/certs-gen.ts");
  const { files, trusted } = await generateCertificate(paths, name, systemClock.wallMs());
  const { output } = context;
  if (options.json) return output.printJson({ name, files, trusted, trust_map: paths.trustMap });
  output.print(`Made ${files.map((file) => relative(paths.home, file)).join(", ")}`);
  if (trusted) output.print(`${name} is trusted in ${paths.trustMap}`);
  else output.print(`No trust map here; on the bus: amoskys trust add ${name} --key ${name}.ed25519.pub`);
  output.print(`Next: copy ca.crt and ${name}.* into certs/ of its host, and set agent.name to ${name} there`);
}

async function genServer(context: CliContext, paths: IdentityPaths, options: GenOptions): Promise<void> {
  const { generateServer } = await import("../identity/index.ts");
  const { host = [], replace = false, json } = options;
  const { hosts, files, kept } = await generateServer(paths, { hosts: host, replace, nowMs: systemClock.wallMs() });
  const { output } = context;
  if (json) return output.printJson({ name: "server", files, hosts, kept });
  const text = (places: readonly string[]) => places.map((file) => relative(paths.home, file)).join(", ");
  output.print(`Made ${text(files)} for ${hosts.join(", ")}`);
  if (kept.length > 0) output.print(`What was there is kept: ${text(kept)}`);
}

function certificateJson({ notBeforeMs, notAfterMs, commonName, ...facts }: ListedCertificate) {
  const time = (ms: number) => (Number.isNaN(ms) ? null : new Date(ms).toISOString());
  return {
    name: facts.name,
    path: facts.path,
    common_name: commonName ?? null,
    use: facts.use,
    hosts: facts.hosts,
    issuer: facts.issuer,
    serial: facts.serial,
    fingerprint: facts.fingerprint,
    not_before: time(notBeforeMs),
    not_after: time(notAfterMs),
    has_key: facts.hasKey,
    signing_key: facts.signingKey ?? null,
    trusted: facts.trusted ?? null,
    problems: facts.problems,
  };
}

function printReport(context: CliContext, report: CertificateReport, json: boolean): void {
  const { output } = context;
  if (json) {
    const problems = report.problems.map(({ about, problem, hint, isWarning }) => {
      return { about, problem, hint: hint ?? null, warning: isWarning };
    });
    output.printJson({ certificates: report.certificates.map(certificateJson), problems });
    return;
  }
  const day = (ms: number) => (Number.isNaN(ms) ? "?" : new Date(ms).toISOString().slice(0, 10));
  const rows = report.certificates.map((facts) => [
    facts.name,
    facts.use,
    printable(facts.commonName ?? "?"),
    day(facts.notAfterMs),
    facts.hasKey ? "yes" : "no",
    facts.signingKey?.slice(0, 16) ?? "",
    facts.trusted === undefined ? "" : facts.trusted ? "yes" : "no",
    printable(facts.issuer),
    printable(facts.hosts.join(",")),
  ]);
  const head = ["NAME", "USE", "COMMON NAME", "ENDS", "KEY", "SIGNING KEY", "TRUSTED", "ISSUER", "HOSTS"];
  if (rows.length > 0) for (const line of alignColumns([head, ...rows])) output.print(line);
  for (const { about, problem, hint, isWarning } of report.problems) {
    const mark = isWarning ? output.colour.yellow("?") : output.colour.red("!");
    output.print(`${mark} ${about}: ${printable(problem)}${hint ? ` (try: ${printable(hint)})` : ""}`);
  }
}

async function report(context: CliContext, command: Command): Promise<CertificateReport> {
  const { checkCertificates } = await import("../tasks/certs-check.ts");
  const { paths, ...needs } = await identitySource(command, context);
  return checkCertificates(paths, { nowMs: systemClock.wallMs(), ...needs });
}

function listCommand(context: CliContext): Command {
  return new Command("list")
    .description("show the certificates of this home: who issued them, when they end, what is wrong")
    .option("--json", "one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  amoskys certs list --json\n\nExit status: 0 listed, 10 config, 14 permission denied",
    )
    .action(async (options: { json?: boolean }, command: Command) => {
      printReport(context, await report(context, command), options.json === true);
    });
}

function checkCommand(context: CliContext): Command {
  return new Command("check")
    .description("list as certs list does, and fail when something is wrong or ends within 30 days")
    .option("--json", "one JSON document")
    .addHelpText(
      "after",
      "\n! is wrong; ? is a certificate of an agent that is not trusted (any more), which is told and no failure." +
        "\n\nExample:\n  amoskys certs check --json" +
        "\n\nExit status: 0 all is well, 10 config, 12 something is wrong, 14 permission denied",
    )
    .action(async (options: { json?: boolean }, command: Command) => {
      const found = await report(context, command);
      printReport(context, found, options.json === true);
      const { firstProblem } = await import("../tasks/certs-check.ts");
      const first = firstProblem(found);
      if (!first) return;
      const count = first.more === 0 ? "" : ` and ${first.more} more`;
      throw new AmoskysError("identity_invalid", printable(`${first.about}: ${first.problem}${count}`), {
        hint: first.hint ?? "amoskys certs list",
      });
    });
}

/** `amoskys certs`. */
export function certsCommand(context: CliContext): Command {
  return commandGroup(
    "certs",
    "make and look at certificates and signing keys",
    "amoskys certs init --host bus.example.org",
    [initCommand(context), genCommand(context), listCommand(context), checkCommand(context)],
  );
}
