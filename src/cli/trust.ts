import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { systemClock } from "../core/clock.ts";
import { AmoskysError, errnoOf } from "../core/errors.ts";
import { printable } from "../core/escape.ts";
import { systemError } from "../core/system-error.ts";
import type { LegacyForm, Permission, TrustEntry } from "../identity/index.ts";
import { alignColumns } from "./columns.ts";
import { commandGroup } from "./command-group.ts";
import { type CliContext, listOption, textOption } from "./context.ts";
import { identitySource } from "./identity-source.ts";

const legacyOption = () =>
  new Option("--legacy <form>", "let it send the forms of the first generation: signed, or unsigned too").choices([
    "none",
    "signed",
    "unsigned",
  ]);

interface AddOptions {
  readonly key?: string;
  readonly permit?: string[];
  readonly rate?: number;
  readonly legacy?: LegacyForm;
  readonly json?: boolean;
}

function rateOption(text: string): number {
  const rate = Number(text);
  if (text.trim() === "" || !Number.isFinite(rate) || rate < 0)
    throw new InvalidArgumentError("Write events a second.");
  return rate;
}

/** The text of a public key file; `-` is standard input. */
function readKey(file: string): { pem: string; path: string | undefined } {
  try {
    if (file === "-") return { pem: readFileSync(0, "utf8"), path: undefined };
    const path = resolve(file);
    return { pem: readFileSync(path, "utf8"), path };
  } catch (caught) {
    if (errnoOf(caught) !== "ENOENT") throw systemError(caught, file) ?? caught;
    throw new AmoskysError("file_missing", `There is no file ${printable(file)}`, {
      hint: "give NAME.ed25519.pub, which amoskys certs gen NAME makes",
      cause: caught,
    });
  }
}

async function permissionsOf(words: readonly string[] | undefined): Promise<Permission[] | undefined> {
  const { permissions } = await import("../identity/index.ts");
  const { nearest } = await import("../core/nearest.ts");
  return words?.map((word) => {
    const known = permissions.find((permission) => permission === word);
    if (known) return known;
    const meant = nearest(word, permissions);
    throw new AmoskysError("usage", `"${printable(word)}" is no permission${meant ? `; did you mean ${meant}?` : ""}`, {
      hint: `--permit ${permissions.join(",")}`,
    });
  });
}

function addCommand(context: CliContext): Command {
  return new Command("add")
    .description("let a name in, with its public signing key")
    .argument("<name>", "the common name of its certificate")
    .option("--key <file>", "its public key in PEM (NAME.ed25519.pub); - is standard input", textOption)
    .option("--permit <list>", "publish, subscribe, status; default publish", listOption)
    .option("--rate <n>", "events a second that it may send; default no limit", rateOption)
    .addOption(legacyOption())
    .option("--json", "one JSON document")
    .addHelpText(
      "after",
      "\nA running bus follows within 2 seconds." +
        "\n\nExample:\n  amoskys trust add web-1 --key web-1.ed25519.pub --rate 5000" +
        "\n\nExit status: 0 added, 2 usage or no such file, 10 config, 12 it is there already, or the key is unfit",
    )
    .action(async (name: string, options: AddOptions, command: Command) => {
      const { addTrust } = await import("../tasks/trust-change.ts");
      const { paths } = await identitySource(command, context);
      const added = addTrust(paths, {
        name,
        key: options.key === undefined ? undefined : readKey(options.key),
        permissions: await permissionsOf(options.permit),
        rateLimit: options.rate,
        legacy: options.legacy,
      });
      const { output } = context;
      const { keyPath, fingerprint, permissions } = added;
      if (options.json) {
        const key = { key_path: keyPath ?? null, fingerprint: fingerprint ?? null };
        return output.printJson({ name, ...key, permissions, trust_map: paths.trustMap });
      }
      const signs = fingerprint === undefined ? "" : `, key ${fingerprint.slice(0, 16)} in ${keyPath}`;
      output.print(`${name} may ${permissions.join(" and ")}${signs}`);
      output.print(`Written to ${paths.trustMap}; a running bus follows within 2 seconds`);
    });
}

function importCommand(context: CliContext): Command {
  return new Command("import")
    .description("take over the entries of a trust map, of the first generation or of ours, with their keys")
    .argument("<file>", "the trust map; key paths start at the folder above its config folder, or at its own")
    .addOption(legacyOption())
    .option("--json", "one JSON document")
    .addHelpText(
      "after",
      "\n--legacy holds for entries that do not say it themselves. The map of this home may be given too." +
        "\n\nExample:\n  amoskys trust import /srv/old/config/trust_map.yaml --legacy signed" +
        "\n\nExit status: 0 taken over, 2 no such file, 10 config, 12 the map is broken, or names are here" +
        "\n  with other keys",
    )
    .action(async (file: string, options: { legacy?: LegacyForm; json?: boolean }, command: Command) => {
      const { importTrust } = await import("../tasks/trust-import.ts");
      const { paths } = await identitySource(command, context);
      const { added, changed, same, sharedKeys } = importTrust(paths, resolve(file), options.legacy);
      const { output } = context;
      if (options.json) {
        return output.printJson({ added, changed, same, shared_keys: sharedKeys, trust_map: paths.trustMap });
      }
      output.print(`${added.length} added, ${changed.length} changed, ${same.length} here already: ${paths.trustMap}`);
      for (const names of sharedKeys) output.note(`One key serves ${names.join(", ")}: give each its own in time`);
    });
}

function entryJson({ name, keys, permissions, rateLimit, legacy, ...validity }: TrustEntry) {
  const dates = ({ notBeforeMs, notAfterMs, revokedAtMs }: TrustEntry["keys"][number] | typeof validity) => {
    const time = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());
    return { not_before: time(notBeforeMs), not_after: time(notAfterMs), revoked_at: time(revokedAtMs) };
  };
  return {
    name,
    permissions: [...permissions],
    rate_limit: rateLimit ?? null,
    legacy: legacy ?? null,
    ...dates(validity),
    keys: keys.map((key) => ({ path: key.path, fingerprint: key.fingerprint, ...dates(key) })),
  };
}

function listCommand(context: CliContext): Command {
  return new Command("list")
    .description("show who may do what")
    .option("--json", "one JSON document")
    .addHelpText("after", "\nExample:\n  amoskys trust list\n\nExit status: 0 listed, 10 config, 12 missing or broken")
    .action(async (options: { json?: boolean }, command: Command) => {
      const { loadTrustMap, validityAt } = await import("../identity/index.ts");
      const { paths } = await identitySource(command, context);
      const entries = [...loadTrustMap(paths.trustMap, { home: paths.home }).entries.values()];
      const { output } = context;
      if (options.json) return output.printJson({ trust_map: paths.trustMap, agents: entries.map(entryJson) });
      const nowMs = systemClock.wallMs();
      const rows = entries.map((entry) => [
        entry.name,
        [...entry.permissions].join(","),
        entry.rateLimit === undefined ? "" : `${entry.rateLimit}/s`,
        entry.legacy ?? "",
        validityAt(entry, nowMs),
        entry.keys.map((key) => key.fingerprint.slice(0, 16)).join(","),
      ]);
      for (const line of alignColumns([["NAME", "MAY", "RATE", "LEGACY", "NOW", "KEYS"], ...rows])) output.print(line);
    });
}

function removeCommand(context: CliContext): Command {
  return new Command("remove")
    .description("let a name in no more; its key file stays")
    .argument("<name>", "the name")
    .option("--json", "one JSON document")
    .addHelpText(
      "after",
      "\nA running bus refuses it within 2 seconds, open connections included." +
        "\n\nExample:\n  amoskys trust remove web-1\n\nExit status: 0 removed, 10 config, 12 no such name",
    )
    .action(async (name: string, options: { json?: boolean }, command: Command) => {
      const { removeTrust } = await import("../tasks/trust-change.ts");
      const { paths } = await identitySource(command, context);
      removeTrust(paths, name);
      const { output } = context;
      if (options.json) return output.printJson({ name, trust_map: paths.trustMap });
      output.print(`${name} is no longer trusted; a running bus follows within 2 seconds`);
    });
}

/** `amoskys trust`. */
export function trustCommand(context: CliContext): Command {
  return commandGroup("trust", "the trust map: who may talk to the bus, and with which keys", "amoskys trust list", [
    addCommand(context),
    importCommand(context),
    listCommand(context),
    removeCommand(context),
  ]);
}
