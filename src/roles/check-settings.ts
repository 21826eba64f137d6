import type { LoadedConfig } from "../config/index.ts";
import { AmoskysError } from "../core/errors.ts";
import { printable } from "../core/escape.ts";
import { nearest } from "../core/nearest.ts";
import { parseBusAddress } from "../transport/index.ts";
import { collectorNames, collectorProblems } from "./collector-registry.ts";
import type { Config } from "./config.ts";

/** What is wrong with settings that are each well formed and make no sense, or not together. */
function problemsOf({ up, agent, eventbus }: Config): string[] {
  const known = ["bus", ...collectorNames];
  const problems = up.roles
    .filter((role) => !known.includes(role))
    .map((role) => {
      const meant = nearest(role, known);
      const more = meant ? `did you mean ${meant}?` : `there are ${known.join(", ")}`;
      return `up.roles: "${role}" is no role; ${more}`;
    });
  const twice = up.roles.find((role, i) => up.roles.indexOf(role) !== i);
  if (twice !== undefined) problems.push(`up.roles names ${twice} twice`);
  try {
    parseBusAddress(agent.bus_address);
  } catch (caught) {
    problems.push(`agent.bus_address: ${AmoskysError.from(caught).message}`);
  }
  if (!eventbus.tls_enabled) problems.push("eventbus.tls_enabled is false, and without TLS nobody's identity is known");
  const { max_inflight, hard_max } = eventbus;
  if (max_inflight > hard_max) {
    problems.push(`eventbus.max_inflight (${max_inflight}) is above eventbus.hard_max (${hard_max})`);
  }
  return [...problems, ...portProblems(eventbus)];
}

/** Ports of the bus that are the same; 0 is whichever is free. */
function portProblems(eventbus: Config["eventbus"]): string[] {
  const names = ["port", "health_port", "metrics_port_1", "metrics_port_2"] as const;
  return names.flatMap((name, i) => {
    const same = names.slice(0, i).find((other) => eventbus[other] === eventbus[name] && eventbus[name] !== 0);
    return same ? [`eventbus.${same} and eventbus.${name} are both ${eventbus[name]}`] : [];
  });
}

/**
 * Throws `config_invalid` with everything that makes no sense in a configuration whose single values are right, and
 * with what is wrong in the files that its sections name; `home` is where relative paths start.
 */
export async function assertSettings({ config }: LoadedConfig<Config>, home: string): Promise<void> {
  const found = [...problemsOf(config), ...(await collectorProblems(config, home))];
  const problems = found.map((problem) => printable(problem));
  if (problems.length === 0) return;
  const count = problems.length === 1 ? "" : ` has ${problems.length} problems`;
  throw new AmoskysError("config_invalid", `The configuration${count}: ${problems.join("; ")}`, {
    hint: "amoskys config show --origin",
    details: { problems },
  });
}
