import { hourUs, type Scenario } from "./scenario.ts";
import { playSessions } from "./sessions.ts";

/** People at work: names, web and mail, more by day than by night. Each hour is an instance. */
export const normalDay: Scenario = {
  name: "normal-day",
  label: "normal",
  everyUs: hourUs,
  play: (random, window) => playSessions(random, window, 1),
};
