import type { FlowEvent } from "../../src/gen/messaging_schema_pb.ts";

/** What two tools must agree on for one pair of endpoints: packets and bytes that the first and the second sent. */
export interface PairTotals {
  /** The endpoint that initiated, of the first flow of the pair. */
  initiator: string;
  packets: [number, number];
  bytes: [number, number];
}

/** Totals by `PROTOCOL ENDPOINT ENDPOINT`, endpoints sorted. */
export type Pairs = Map<string, PairTotals>;

export interface OneFlow {
  readonly protocol: string;
  readonly from: string;
  readonly to: string;
  readonly packets: readonly [number, number];
  readonly bytes: readonly [number, number];
}

/** Adds a flow to its pair. Flows of one pair are summed up, since every tool cuts a long conversation elsewhere. */
export function addFlow(pairs: Pairs, { protocol, from, to, packets, bytes }: OneFlow): void {
  const [first, second] = from <= to ? [from, to] : [to, from];
  const [p, q] = from <= to ? [0, 1] : [1, 0];
  const key = `${protocol} ${first} ${second}`;
  const pair = pairs.get(key) ?? { initiator: from, packets: [0, 0], bytes: [0, 0] };
  pair.packets[0] += packets[p as 0 | 1];
  pair.packets[1] += packets[q as 0 | 1];
  pair.bytes[0] += bytes[p as 0 | 1];
  pair.bytes[1] += bytes[q as 0 | 1];
  pairs.set(key, pair);
}

/** Our flows as pairs; `describe` puts each in the other tool's words. */
export function pairsOf(flows: readonly FlowEvent[], describe: (flow: FlowEvent) => OneFlow): Pairs {
  const pairs: Pairs = new Map();
  for (const flow of flows) addFlow(pairs, describe(flow));
  return pairs;
}

/** Differences of two sets of pairs, one line each: `- PAIR` only theirs, `+ PAIR` only ours, `! PAIR` other totals. */
export function differences(theirs: Pairs, ours: Pairs): string[] {
  const lines: string[] = [];
  for (const [key, their] of theirs) {
    const our = ours.get(key);
    if (our === undefined) lines.push(`- ${key}`);
    else if (`${their.packets} ${their.bytes}` !== `${our.packets} ${our.bytes}`) lines.push(`! ${key}`);
  }
  for (const key of ours.keys()) if (!theirs.has(key)) lines.push(`+ ${key}`);
  return lines.sort();
}

/** Files of a corpus whose differences are known, and why each of them is no fault. */
export type KnownDifferences = Readonly<Record<string, { readonly why: string; readonly lines: readonly string[] }>>;
