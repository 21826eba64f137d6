import { Command } from "commander";
import { commandGroup } from "./command-group.ts";
import { type CliContext, configSource } from "./context.ts";

function leaves(tree: object, prefix = ""): [string, unknown][] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? leaves(value, `${prefix}${key}.`)
      : [[prefix + key, value] as [string, unknown]],
  );
}

function showCommand(context: CliContext): Command {
  return new Command("show")
    .description("print the merged configuration")
    .option("--origin", "say where each value came from")
    .option("--json", "one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  amoskys config show --origin\n\nExit status: 0 ok, 10 the configuration is wrong",
    )
    .action(async (options: { origin?: boolean; json?: boolean }, command: Command) => {
      const { loadHomeConfig } = await import("../roles/config.ts");
      const { formatYaml, maskSecrets } = await import("../config/index.ts");
      const { config: loaded, origins } = loadHomeConfig(configSource(command, context));
      const config = maskSecrets(loaded) as object;
      const { output } = context;
      if (options.json)
        return output.printJson(options.origin ? { config, origins: Object.fromEntries(origins) } : config);
      if (!options.origin) return output.write(formatYaml(config));
      for (const [path, value] of leaves(config)) {
        if (value !== undefined) output.print(`${path}: ${JSON.stringify(value)}  # ${origins.get(path) ?? "default"}`);
      }
    });
}

function checkCommand(context: CliContext): Command {
  return new Command("check")
    .description("build everything the configuration names, bind nothing")
    .option("--json", "one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  amoskys --config amoskys.yaml config check\n\nExit status: 0 ok, 10 config, 12 identity or trust",
    )
    .action(async (options: { json?: boolean }, command: Command) => {
      const { checkHome } = await import("../roles/check-home.ts");
      const found = await checkHome(configSource(command, context));
      const { output } = context;
      if (options.json) return output.printJson(found);
      for (const line of found.notices) output.note(line);
      const roles = found.roles.join(", ") || "none";
      const agents = found.agents.length > 0 ? `; agents trusted: ${found.agents.join(", ")}` : "";
      output.print(`Configuration is right; roles: ${roles}${agents}`);
    });
}

/** `amoskys config`. */
export function configCommand(context: CliContext): Command {
  return commandGroup("config", "show or check the configuration", "amoskys config show --origin", [
    showCommand(context),
    checkCommand(context),
  ]);
}
