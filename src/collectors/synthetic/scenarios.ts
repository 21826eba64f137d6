import { beacon } from "./beacon.ts";
import { bruteForce } from "./brute-force.ts";
import { burst } from "./burst.ts";
import { exfiltration } from "./exfiltration.ts";
import { normalDay } from "./normal-day.ts";
import { portScan } from "./port-scan.ts";
import type { Scenario, ScenarioName } from "./scenario.ts";

/** Every scenario, by name. To add one: a file, a name in scenario.ts, an entry here. */
export const scenarios: Readonly<Record<ScenarioName, Scenario>> = {
  "normal-day": normalDay,
  burst,
  "port-scan": portScan,
  "brute-force": bruteForce,
  beacon,
  exfiltration,
};
