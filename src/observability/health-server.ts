import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { AmoskysError, errnoOf } from "../core/errors.ts";

/** What a role says of itself. */
export interface HealthReport {
  /** Ready: it did its work lately and may be given more. */
  readonly ready: boolean;
  readonly status: "healthy" | "degraded" | "unhealthy";
  /** For agents one of: initializing, connecting, active, backpressure, retrying, shutdown, error. */
  readonly state: string;
  /** One line for a person, also when all is well: what it does, or what it waits for. */
  readonly message: string;
  /** Events taken in (an agent: collected; the bus: stored) since the start. */
  readonly eventsTotal: number;
  /** Bytes of an agent's log that the bus has not acknowledged. */
  readonly backlogBytes?: number;
  /** When the last event was acknowledged, milliseconds since the Unix epoch. */
  readonly lastAckMs?: number | undefined;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly message: string }>>;
  /** What it uses of its host, as JSON of `/health`. */
  readonly resources?: Readonly<Record<string, unknown>>;
  /** Further lines of `/healthz`, as `name=value`. */
  readonly figures: Readonly<Record<string, number | string>>;
}

export interface HealthServerOptions {
  readonly host: string;
  /** Tried in order; 0 is any free one. One that is taken never kills a role: the next one, at last a free one. */
  readonly ports: readonly number[];
  report(): HealthReport;
  metricsText(): Promise<string>;
  /** Hears why a page could not be made. */
  onError(caught: unknown): void;
}

export interface HealthServer {
  /** The ports that it really listens on, one for each that was asked for. */
  readonly ports: readonly number[];
  close(): Promise<void>;
}

interface Page {
  status: number;
  type: string;
  body: string;
}

const text = "text/plain; charset=utf-8";
const json = "application/json; charset=utf-8";

/** The JSON of `/health`; `amoskys status` reads it. */
function healthJson(report: HealthReport): string {
  const { ready, status, state, message, eventsTotal, backlogBytes, lastAckMs, checks, resources, figures } = report;
  return JSON.stringify({
    status,
    state,
    ready,
    message,
    events_total: eventsTotal,
    backlog_bytes: backlogBytes,
    last_ack_ms: lastAckMs,
    checks,
    resources,
    figures,
  });
}

async function page(path: string, options: HealthServerOptions): Promise<Page> {
  if (path === "/metrics") {
    return { status: 200, type: "text/plain; version=0.0.4; charset=utf-8", body: await options.metricsText() };
  }
  const report = options.report();
  const alive = report.status === "unhealthy" ? 503 : 200;
  const ready = report.ready ? 200 : 503;
  switch (path) {
    case "/health":
      return { status: alive, type: json, body: `${healthJson(report)}\n` };
    case "/healthz": {
      const figures = Object.entries(report.figures).map(([name, value]) => ` ${name}=${value}`);
      return {
        status: alive,
        type: text,
        body: `${alive === 200 ? "OK" : "FAIL"} ${report.state}${figures.join("")}\n`,
      };
    }
    case "/ready":
    case "/readyz":
      return { status: ready, type: text, body: `${report.ready ? "ready" : "not ready"} ${report.state}\n` };
    default:
      return { status: 404, type: text, body: "Pages: /metrics /health /healthz /ready /readyz\n" };
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, options: HealthServerOptions): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { allow: "GET, HEAD" }).end();
    return;
  }
  try {
    const { status, type, body } = await page((request.url ?? "/").split("?")[0] as string, options);
    response.writeHead(status, {
      "content-type": type,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    response.end(request.method === "HEAD" ? undefined : body);
  } catch (caught) {
    options.onError(caught);
    response.writeHead(500).end();
  }
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host, exclusive: true }, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

async function listenOrFree(server: Server, port: number, host: string): Promise<number> {
  try {
    return await listen(server, port, host);
  } catch (caught) {
    const errno = errnoOf(caught);
    if (errno === "EADDRINUSE" || errno === "EACCES") return await listen(server, 0, host);
    throw new AmoskysError("config_invalid", `Cannot listen on ${host}:${port}: ${errno ?? caught}`, {
      hint: "amoskys config show --origin",
      cause: caught,
    });
  }
}

/** Serves /metrics, /health, /healthz, /ready and /readyz. Takes a free port where the one asked for is taken. */
export async function createHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const servers: Server[] = [];
  const ports: number[] = [];
  for (const port of options.ports) {
    const server = createServer({ requestTimeout: 5000, headersTimeout: 5000 }, (request, response) => {
      void answer(request, response, options);
    });
    server.maxConnections = 64;
    ports.push(await listenOrFree(server, port, options.host));
    servers.push(server);
  }
  return {
    ports,
    async close() {
      await Promise.all(
        servers.map((server) => {
          server.closeAllConnections();
          return new Promise((resolve) => server.close(resolve));
        }),
      );
    },
  };
}
