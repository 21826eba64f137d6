// A home whose bus is watched every second by its agent `bus-agent`: real processes of the built executable.
import { eventually, RunningHome } from "../support/running-home.ts";

/** Seconds after which a look of these homes counts as not answered. */
export const timeoutSeconds = 1;

const watch = `bus: {interval_s: 1, timeout_s: ${timeoutSeconds}, commit_age_max_s: 3}
agent: {retry_timeout: 0.2}
up: {roles: [bus, bus-agent]}
`;

/** A STATUS event of the bus's log with the line that says why. */
export interface News {
  readonly status: string;
  readonly previous: string;
  readonly line: string;
  /** When it was seen, milliseconds since the Unix epoch. */
  readonly atMs: number;
  readonly hasSecurity: boolean;
}

interface TelemetryEvent {
  readonly eventType: string;
  readonly statusData?: { readonly status: string; readonly previousStatus?: string };
  readonly metricData?: { readonly metricName: string; readonly stringValue?: string; readonly numericValue?: number };
}

interface StoredLook {
  readonly ts_ns: string;
  readonly event: { readonly events: readonly TelemetryEvent[] };
}

export interface HealthPage {
  readonly status: string;
  readonly message: string;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly message: string }>>;
  readonly figures: Readonly<Record<string, number>>;
}

export class BusWatchHome extends RunningHome {
  #pagePort = 0;

  /** `config`: further sections of config/amoskys.yaml. */
  constructor(config = "") {
    super({ config: watch + config });
  }

  /** Runs the bus and its agent; returns when the bus was seen well. */
  async start(): Promise<this> {
    this.up();
    await this.untilState("bus", "healthy");
    this.#pagePort = (await this.untilState("bus-agent", "healthy")).health_ports?.[0] ?? 0;
    await this.untilNews((all) => all.length === 1);
    return this;
  }

  /** The health page of the agent. */
  async page(): Promise<HealthPage> {
    return (await (await fetch(`http://127.0.0.1:${this.#pagePort}/health`)).json()) as HealthPage;
  }

  /** The looks that the bus has stored, oldest first. */
  async looks(): Promise<readonly StoredLook[]> {
    const { stdout } = await this.run("events", "query", "--kind", "device", "--json");
    const lines = stdout.split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line) as StoredLook);
  }

  async news(): Promise<readonly News[]> {
    return (await this.looks()).flatMap(({ ts_ns, event: { events } }) => {
      const told = events.find(({ statusData }) => statusData)?.statusData;
      const state = events.find(({ metricData }) => metricData?.metricName === "bus.news")?.metricData;
      const hasSecurity = events.some(({ eventType }) => eventType === "SECURITY");
      const atMs = Number(BigInt(ts_ns) / 1_000_000n);
      if (!told) return [];
      const { status, previousStatus: previous = "" } = told;
      return [{ status, previous, line: state?.stringValue ?? "", atMs, hasSecurity }];
    });
  }

  /** All news, as soon as they are what is waited for. */
  untilNews(isThere: (all: readonly News[]) => boolean): Promise<readonly News[]> {
    return eventually("the bus has stored the news of itself", async () => {
      const all = await this.news();
      return isThere(all) ? all : undefined;
    });
  }
}

/** Whether the newest says that the bus is well, and there are this many. */
export function isWellAgain(count: number): (all: readonly News[]) => boolean {
  return (all) => all.length >= count && all.at(-1)?.status === "ONLINE";
}
