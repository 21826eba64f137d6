import { beginIn, hourUs, minuteUs, type Scenario } from "./scenario.ts";
import { playSessions } from "./sessions.ts";

/** On top of the normal day's one share. */
const further = 9;

/** One minute with ten times what people usually do at that time. */
export const burst: Scenario = {
  name: "burst",
  label: "anomaly",
  everyUs: 3 * hourUs,
  *play(random, window) {
    const startUs = beginIn(random, window, minuteUs);
    yield* playSessions(random, { startUs, endUs: Math.min(startUs + minuteUs, window.endUs) }, further);
  },
};
