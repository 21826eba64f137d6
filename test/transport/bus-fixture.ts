// A real server on a free port of loopback, with an authority of its own and an observer that remembers.
import { systemClock } from "../../src/core/clock.ts";
import type { Labels, LogFields, LogLevel, Observer } from "../../src/core/observer.ts";
import {
  type BusServer,
  createBusServer,
  type EventHandler,
  type EventMethod,
  type Peer,
  type ServerLimits,
  type ServiceHandlers,
} from "../../src/transport/index.ts";
import { createTestAuthority, type IssuedCertificate, type TestAuthority } from "../support/certificates.ts";

/** Remembers what it hears. */
export class RecordingObserver implements Observer {
  readonly counters = new Map<string, number>();
  readonly gauges = new Map<string, number>();
  readonly lines: { level: LogLevel; message: string; fields: LogFields }[] = [];

  count(metric: string, labels: Labels = {}, by = 1): void {
    const key = [metric, ...Object.values(labels)].join(" ");
    this.counters.set(key, (this.counters.get(key) ?? 0) + by);
  }

  gauge(metric: string, value: number): void {
    this.gauges.set(metric, value);
  }

  observe(metric: string, _value: number, labels: Labels = {}): void {
    this.count(metric, labels);
  }

  log(level: LogLevel, message: string, fields: LogFields = {}): void {
    this.lines.push({ level, message, fields });
  }

  /** The value of a counter; label values follow its name. */
  counted(...key: string[]): number {
    return this.counters.get(key.join(" ")) ?? 0;
  }
}

/** A call that reached the handler. */
export interface HandledCall {
  readonly peer: Peer;
  readonly method: EventMethod;
  readonly bytes: Uint8Array;
  readonly signal: AbortSignal;
}

export interface BusFixture {
  readonly server: BusServer;
  readonly authority: TestAuthority;
  readonly certificate: IssuedCertificate;
  readonly observer: RecordingObserver;
  /** Every call that reached a handler, those of the other services by name alone. */
  readonly handled: HandledCall[];
  readonly served: string[];
  readonly port: number;
  stop(): Promise<void>;
}

export interface BusFixtureOptions {
  readonly limits?: Partial<ServerLimits>;
  readonly events?: EventHandler;
  readonly services?: Partial<ServiceHandlers>;
  readonly authority?: TestAuthority;
  readonly crl?: string;
  readonly port?: number;
}

const issued = new WeakMap<TestAuthority, { server: IssuedCertificate; client: IssuedCertificate }>();

/** The certificates of a server and of agent-1, made once per authority. */
function certificatesOf(authority: TestAuthority): { server: IssuedCertificate; client: IssuedCertificate } {
  const certificates = issued.get(authority) ?? { server: authority.server(), client: authority.client("agent-1") };
  issued.set(authority, certificates);
  return certificates;
}

async function* noEvents(): AsyncGenerator<{ id: bigint }> {}

/** Starts a server whose handlers answer OK (an empty ack) unless others are given. */
export async function startBus(options: BusFixtureOptions = {}): Promise<BusFixture> {
  const authority = options.authority ?? createTestAuthority();
  const certificates = certificatesOf(authority);
  const observer = new RecordingObserver();
  const handled: HandledCall[] = [];
  const served: string[] = [];
  const services: ServiceHandlers = {
    getHealth: async () => ({ overallStatus: "HEALTHY" }),
    getStatus: async () => ({ serviceVersion: "1", uptimeSeconds: 7n }),
    subscribe: noEvents,
    ...options.services,
  };
  const server = createBusServer({
    host: "127.0.0.1",
    port: options.port ?? 0,
    tls: certificates.server,
    crl: options.crl,
    limits: options.limits,
    observer,
    clock: systemClock,
    events: async (peer, method, bytes, signal) => {
      handled.push({ peer, method, bytes: bytes.slice(), signal });
      return options.events ? options.events(peer, method, bytes, signal) : new Uint8Array();
    },
    services: {
      getHealth: (...call) => {
        served.push("GetHealth");
        return services.getHealth(...call);
      },
      getStatus: (...call) => {
        served.push("GetStatus");
        return services.getStatus(...call);
      },
      subscribe: (...call) => {
        served.push("Subscribe");
        return services.subscribe(...call);
      },
    },
  });
  await server.start();
  return {
    server,
    authority,
    certificate: certificates.client,
    observer,
    handled,
    served,
    port: server.port,
    stop: async () => {
      await server.stop(200);
      if (!options.authority) authority.remove();
    },
  };
}
