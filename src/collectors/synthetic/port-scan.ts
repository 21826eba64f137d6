import type { FlowDraft, Side } from "./draft.ts";
import { clientPort, tcpFlags } from "./flow-shape.ts";
import { servers, workstations } from "./network.ts";
import type { Random } from "./random.ts";
import { beginIn, hourUs, type Scenario } from "./scenario.ts";

/** A SYN as scanners send it: IPv4 and TCP headers, and the option for the segment size. */
const probeBytes = 44;
const answerBytes = 40;
const portMax = 4096;
const openPorts = new Set([22, 25, 53, 80, 443, 587, 993]);

const silence: Side = { packets: 0, ipBytes: 0, flags: 0 };
const { syn, ack, rst } = tcpFlags;

/** Half-open probes of one host by another, each port once: refused, silently dropped, or open and let go at once. */
export const portScan: Scenario = {
  name: "port-scan",
  label: "attack",
  technique: "T1046",
  everyUs: hourUs,
  *play(random, window) {
    const source = random.pick(workstations);
    const target = random.pick(Object.values(servers));
    const everyUs = random.between(8000, 60_000);
    const room = Math.floor(((window.endUs - window.startUs) * 0.9) / everyUs);
    const count = Math.min(random.whole(200, 1500), room);
    const dropped = random.between(0.02, 0.4);
    let atUs = beginIn(random, window, count * everyUs);
    for (const port of shuffledPorts(random, count)) {
      yield { atUs, drafts: [probe(random, { source, target, targetPort: port, startUs: atUs, dropped })] };
      atUs += Math.max(1, Math.round(everyUs * random.between(0.8, 1.1)));
    }
  },
};

/** The first of the shuffled ports (Fisher and Yates). */
function* shuffledPorts(random: Random, count: number): Generator<number> {
  const ports = Uint16Array.from({ length: portMax }, (_, i) => i + 1);
  for (let i = 0; i < count; i += 1) {
    const other = random.whole(i, portMax - 1);
    const port = ports[other] as number;
    ports[other] = ports[i] as number;
    yield port;
  }
}

interface Probe {
  readonly source: string;
  readonly target: string;
  readonly targetPort: number;
  readonly startUs: number;
  /** Share of ports of which nothing comes back. */
  readonly dropped: number;
}

function probe(random: Random, { dropped, ...ends }: Probe): FlowDraft {
  const flow = { kind: "flow", ...ends, sourcePort: clientPort(random), protocol: "TCP" } as const;
  const sent: Side = { packets: 1, ipBytes: probeBytes, flags: syn };
  const answeredUs = ends.startUs + random.whole(120, 1500);
  if (openPorts.has(ends.targetPort)) {
    const tx = { packets: 2, ipBytes: probeBytes + answerBytes, flags: syn | rst };
    const rx = { packets: 1, ipBytes: probeBytes, flags: syn | ack };
    return { ...flow, endUs: answeredUs + 40, tx, rx, endReason: "rst" };
  }
  if (random.chance(dropped)) return { ...flow, endUs: ends.startUs, tx: sent, rx: silence, endReason: "idle" };
  const rx = { packets: 1, ipBytes: answerBytes, flags: rst | ack };
  return { ...flow, endUs: answeredUs, tx: sent, rx, endReason: "rst" };
}
