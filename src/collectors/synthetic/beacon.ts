import { tcpConnection } from "./flow-shape.ts";
import { dropPoints, workstations } from "./network.ts";
import { beginIn, hourUs, type Scenario, secondUs } from "./scenario.ts";

/** A shorter window has shorter intervals, so that there are this many calls in it. */
const callsMin = 12;

/** An implant that reports: one address, a steady interval with a little jitter, always the same sizes. */
export const beacon: Scenario = {
  name: "beacon",
  label: "attack",
  technique: "T1071.001",
  everyUs: 6 * hourUs,
  *play(random, window) {
    const host = random.pick(workstations);
    const ends = { source: host, target: random.pick(dropPoints), targetPort: 443 };
    const lengthUs = (window.endUs - window.startUs) * 0.9;
    const everyUs = Math.min(random.pick([30, 60, 120, 300]) * secondUs, lengthUs / callsMin);
    const jitter = random.between(0.02, 0.1);
    const count = Math.min(random.whole(30, 120), Math.floor(lengthUs / everyUs));
    const sizes = { txBytes: random.whole(180, 700), rxBytes: random.whole(90, 400) };
    const firstUs = beginIn(random, window, count * everyUs);
    const pid = random.whole(20_000, 400_000);
    const args = ["/tmp/.cache/updated", "--daemon"] as const;
    const implant = { host, pid, ppid: 1, uid: 1000, args, startUs: firstUs, endUs: firstUs };
    yield { atUs: firstUs, drafts: [{ kind: "process", ...implant }] };
    for (let n = 0; n < count; n += 1) {
      const atUs = firstUs + Math.round((n + random.between(0, jitter)) * everyUs);
      const call = { startUs: atUs, durationUs: random.between(0.15, 0.4) * secondUs, ...sizes };
      yield { atUs, drafts: tcpConnection(random, ends, call) };
    }
  },
};
