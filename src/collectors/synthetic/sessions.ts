import type { Draft, ProcessDraft, Step } from "./draft.ts";
import { type Ends, tcpConnection, udpExchange } from "./flow-shape.ts";
import { servers, webSites, workstations } from "./network.ts";
import type { Random } from "./random.ts";
import { hourUs, secondUs, type Window } from "./scenario.ts";

/** How busy people are in each hour (UTC) of a working day, against the busiest. */
const activityByHour = [
  0.06, 0.05, 0.04, 0.04, 0.05, 0.08, 0.18, 0.42, 0.78, 0.95, 1, 0.96, 0.72, 0.88, 0.98, 0.94, 0.82, 0.6, 0.38, 0.28,
  0.22, 0.17, 0.12, 0.08,
] as const;
const weekendShare = 0.3;
const sessionsPerSecondMax = 1;

/** The longest that one connection of a session takes: events wait for their turn that long. */
const connectionUsMax = 600 * secondUs;

/** Sessions a second of all people together, at a time in microseconds since the Unix epoch. */
function sessionsPerSecond(atUs: number): number {
  const hours = atUs / hourUs;
  const hour = Math.floor(hours) % 24;
  const here = activityByHour[hour] as number;
  const next = activityByHour[(hour + 1) % 24] as number;
  // 1970-01-01 was a Thursday
  const weekday = (Math.floor(hours / 24) + 4) % 7;
  const share = weekday === 0 || weekday === 6 ? weekendShare : 1;
  return sessionsPerSecondMax * share * (here + (next - here) * (hours - Math.floor(hours)));
}

/**
 * What people do inside the window, `times` as much as usual: a Poisson process whose rate follows the day, by thinning
 * (Lewis and Shedler 1979).
 */
export function* playSessions(random: Random, window: Window, times: number): Generator<Step> {
  const perSecondMax = sessionsPerSecondMax * times;
  let atUs = window.startUs;
  for (;;) {
    atUs += (random.exponential() / perSecondMax) * secondUs;
    if (atUs >= window.endUs) return;
    if (random.chance(sessionsPerSecond(atUs) / sessionsPerSecondMax)) yield session(random, Math.round(atUs));
  }
}

function session(random: Random, atUs: number): Step {
  const host = random.pick(workstations);
  const kind = random.unit();
  const drafts: Draft[] = random.chance(0.08) ? [programStart(random, host, atUs)] : [];
  if (kind < 0.72) drafts.push(...webVisit(random, host, atUs));
  else if (kind < 0.9) drafts.push(...mailCheck(random, host, atUs));
  else drafts.push(nameLookup(random, host, atUs));
  return { atUs, drafts };
}

function nameLookup(random: Random, source: string, startUs: number): Draft {
  return udpExchange(
    random,
    { source, target: servers.dns, targetPort: 53 },
    {
      startUs,
      durationUs: random.logNormal(6000, 1, 2 * secondUs),
      txBytes: random.whole(28, 60),
      rxBytes: random.logNormal(110, 0.5, 1200),
    },
  );
}

function webVisit(random: Random, source: string, atUs: number): Draft[] {
  const target = random.chance(0.15) ? servers.intranet : random.pickPopular(webSites);
  const lookup = nameLookup(random, source, atUs);
  const ends: Ends = { source, target, targetPort: random.chance(0.94) ? 443 : 80 };
  const connections = Array.from({ length: random.whole(1, 5) }, () =>
    tcpConnection(random, ends, {
      startUs: lookup.endUs + random.logNormal(400_000, 1.2, 30 * secondUs),
      durationUs: random.logNormal(3 * secondUs, 1.3, connectionUsMax),
      txBytes: Math.round(random.logNormal(1800, 0.9, 4e6)),
      rxBytes: Math.round(random.logNormal(18_000, 1.6, 2e8)),
    }),
  );
  return [lookup, ...connections.flat()];
}

function mailCheck(random: Random, source: string, atUs: number): Draft[] {
  const sends = random.chance(0.25);
  const lookup = nameLookup(random, source, atUs);
  const [much, little] = [random.logNormal(22_000, 1.5, 2.5e7), random.logNormal(900, 0.4, 8000)];
  const connection = tcpConnection(
    random,
    { source, target: servers.mail, targetPort: sends ? 587 : 993 },
    {
      startUs: lookup.endUs + random.between(1000, 40_000),
      durationUs: random.logNormal(sends ? secondUs : 4 * secondUs, 0.9, connectionUsMax),
      txBytes: Math.round(sends ? much : little),
      rxBytes: Math.round(sends ? little : much),
    },
  );
  return [lookup, ...connection];
}

const programs: readonly (readonly [string, ...string[]])[] = [
  ["/usr/bin/firefox", "-contentproc"],
  ["/usr/bin/thunderbird"],
  ["/usr/bin/python3", "/usr/share/apt-check/apt-check"],
  ["/usr/sbin/cron", "-f"],
  ["/usr/bin/git", "fetch", "--all"],
  ["/usr/bin/ssh", "build.example"],
  ["/usr/bin/curl", "-fsS", "https://intranet.example/health"],
  ["/usr/bin/tar", "-czf", "/home/user/notes.tar.gz", "/home/user/notes"],
];

function programStart(random: Random, host: string, atUs: number): ProcessDraft {
  const pid = random.whole(1200, 4_000_000);
  const ppid = random.whole(300, 1199);
  return { kind: "process", host, pid, ppid, uid: 1000, args: random.pick(programs), startUs: atUs, endUs: atUs };
}
