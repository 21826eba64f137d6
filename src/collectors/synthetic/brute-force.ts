import type { Draft } from "./draft.ts";
import { tcpConnection } from "./flow-shape.ts";
import { outsiders, servers } from "./network.ts";
import type { Random } from "./random.ts";
import { beginIn, hourUs, minuteUs, type Scenario, secondUs } from "./scenario.ts";

/** Of a window, what guessing may take; the rest is for the session after it. */
const guessingShare = 0.6;

const looks: readonly (readonly [string, ...string[]])[] = [
  ["/usr/bin/id"],
  ["/usr/bin/uname", "-a"],
  ["/usr/bin/cat", "/etc/passwd"],
  ["/usr/bin/last", "-n", "20"],
];

/** Guessed passwords over ssh, each a short connection; one fits, and a long session with a look around follows. */
export const bruteForce: Scenario = {
  name: "brute-force",
  label: "attack",
  technique: "T1110.001",
  everyUs: 2 * hourUs,
  *play(random, window) {
    const ends = { source: random.pick(outsiders), target: servers.shell, targetPort: 22 };
    const everyUs = random.between(0.6, 2.5) * secondUs;
    const room = Math.floor(((window.endUs - window.startUs) * guessingShare) / everyUs);
    const count = Math.min(random.whole(60, 400), room);
    const startUs = beginIn(random, window, (count * everyUs) / guessingShare);
    let atUs = startUs;
    for (let n = 0; n < count; n += 1) {
      const guess = {
        startUs: atUs,
        durationUs: random.logNormal(1.8 * secondUs, 0.25, 6 * secondUs),
        txBytes: random.whole(1350, 1900),
        rxBytes: random.whole(1900, 2300),
      };
      yield { atUs, drafts: tcpConnection(random, ends, guess) };
      atUs += Math.round(everyUs * random.between(0.7, 1.2));
    }
    const lastUs = Math.max(10 * secondUs, window.endUs - atUs);
    const session = {
      startUs: atUs,
      durationUs: Math.min(random.between(5, 25) * minuteUs, lastUs),
      txBytes: Math.round(random.logNormal(60_000, 0.6, 2e6)),
      rxBytes: Math.round(random.logNormal(400_000, 0.8, 2e7)),
    };
    const shell = shellSession(random, session.startUs, session.durationUs);
    yield { atUs, drafts: [...shell, ...tcpConnection(random, ends, session)] };
  },
};

/** The shell and what is typed into it, in the first part of the session. */
function shellSession(random: Random, startUs: number, durationUs: number): Draft[] {
  const daemonPid = random.whole(700, 1100);
  const shellPid = random.whole(20_000, 400_000);
  const run = (atUs: number, pid: number, ppid: number, args: readonly [string, ...string[]]): Draft => {
    const endUs = Math.round(atUs);
    return { kind: "process", host: servers.shell, pid, ppid, uid: 1001, args, startUs: endUs, endUs };
  };
  const drafts = [run(startUs + 300_000, shellPid, daemonPid, ["/bin/bash", "-l"])];
  let atUs = startUs + secondUs;
  for (const [n, args] of looks.entries()) {
    atUs += random.between(0.02, 0.15) * durationUs;
    drafts.push(run(atUs, shellPid + 1 + n, shellPid, args));
  }
  return drafts;
}
