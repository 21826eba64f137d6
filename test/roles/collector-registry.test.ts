import { describe, expect, test } from "bun:test";
import { metrics } from "../../src/data/metrics.ts";
import { collectorEntry, collectorNames } from "../../src/roles/collector-registry.ts";
import { agentRoles } from "../support/agents-lab.ts";

const entries = collectorNames.map((name) => collectorEntry(name));

describe("the registry of collectors", () => {
  test("gives each its own port for its pages", () => {
    const ports = entries.map(({ healthPort }) => healthPort);
    expect([...new Set(ports)]).toEqual(ports);
  });

  test("knows whose each metric is: an agent shows those that begin with its name", () => {
    const owners = ["agent", "bus", "log", ...collectorNames.map((name) => name.replaceAll("-", ""))];
    const strays = metrics.filter(({ name }) => {
      const [first, second = ""] = name.split("_");
      return first === "amoskys" && !owners.includes(second);
    });
    expect(strays).toEqual([]);
  });

  test("knows all that run together in the lab", () => {
    expect(agentRoles.toSorted()).toEqual([...collectorNames].sort());
  });

  test("is asked for names that are there only", () => {
    expect(() => collectorEntry("bus")).toThrow('"bus" is no collector');
  });
});
