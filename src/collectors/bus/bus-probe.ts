/** What a bus says of itself. */
export interface BusAnswer {
  /** HEALTHY, DEGRADED or UNHEALTHY, as the bus judges itself. */
  readonly overall: string;
  /** Its components by name, with what they say. */
  readonly components: Readonly<Record<string, { readonly status: string; readonly message: string }>>;
  /** When it answered, by the bus's own clock: milliseconds since the Unix epoch. */
  readonly atMs: number;
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly connections: number;
  /** Stored since the bus was started. */
  readonly eventsTotal: number;
  /** Between 0 and 1. */
  readonly load: number;
  /** Further figures by name, as text. */
  readonly figures: Readonly<Record<string, string>>;
}

/** How this collector asks its bus; roles inject it, since a collector knows no network. */
export interface BusProbe {
  /** Of the bus, as host:port. */
  readonly address: string;
  /** Asks for health and figures; throws an AmoskysError where no answer comes, and soon after the signal aborts. */
  ask(signal: AbortSignal): Promise<BusAnswer>;
}
