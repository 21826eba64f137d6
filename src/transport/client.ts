import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { Clock } from "../core/clock.ts";
import { AmoskysError } from "../core/errors.ts";
import type { Observer } from "../core/observer.ts";
import {
  type PublishEnvelopesResponse,
  PublishEnvelopesResponseSchema,
  type PublishTreeResponse,
  PublishTreeResponseSchema,
  SubscribeRequestSchema,
  type SubscribeResponse,
  SubscribeResponseSchema,
} from "../gen/amoskys/v1/bus_pb.ts";
import {
  HealthRequestSchema,
  type HealthResponse,
  HealthResponseSchema,
  StatusRequestSchema,
  type StatusResponse,
  StatusResponseSchema,
  type UniversalAck,
  UniversalAckSchema,
} from "../gen/universal_telemetry_pb.ts";
import { type BusAddress, parseBusAddress } from "./bus-address.ts";
import { CallNotSeen } from "./client-call.ts";
import { ClientConnection, ClosedEarly } from "./client-connection.ts";
import { callFailure, closedByBus, localFailure } from "./client-failure.ts";
import { slowestBytesPerMs } from "./limits.ts";
import type { TlsMaterial } from "./tls-material.ts";
import { Turns } from "./turns.ts";
import { unlessAborted } from "./unless-aborted.ts";

export interface BusClientOptions {
  /** host:port, [v6]:port; without a port 50051. */
  readonly address: string;
  readonly tls: TlsMaterial;
  readonly observer: Observer;
  readonly clock: Clock;
  /** Until a unary call counts as lost, beside the time that a slow link takes for its request; 20 s. */
  readonly callTimeoutMs?: number;
  /** Until a connection counts as unreachable; 10 s. */
  readonly connectTimeoutMs?: number;
  /** Unary calls in flight at once; more wait for their turn; 64. */
  readonly inFlightMax?: number;
  /** Silence, with calls open, after which the bus is asked for a sign of life; half as long again ends it; 10 s. */
  readonly keepaliveMs?: number;
}

/**
 * One connection to a bus, made when it is needed and made again when it is lost; it never waits before it tries, so
 * its
 * user backs off. Every failure is an AmoskysError by class: `unreachable` and `timeout` (later), `identity_refused`
 * (somebody has to mend something), `message_too_large` (this request), `unimplemented` (an older bus), `internal` (the
 * bus failed; later), `interrupted` (the caller's signal). `details.grpcStatus` names the status.
 */
export interface BusClient {
  /** Serialized amoskys.v1.PublishTreeRequest, sent as it stands. */
  publishTree(bytes: Uint8Array, signal?: AbortSignal): Promise<PublishTreeResponse>;
  /** Serialized amoskys.v1.PublishEnvelopesRequest, sent as it stands. */
  publishEnvelopes(bytes: Uint8Array, signal?: AbortSignal): Promise<PublishEnvelopesResponse>;
  /** Serialized messaging.UniversalEnvelope, sent as it stands. */
  publishTelemetry(bytes: Uint8Array, signal?: AbortSignal): Promise<UniversalAck>;
  getHealth(signal?: AbortSignal): Promise<HealthResponse>;
  getStatus(signal?: AbortSignal): Promise<StatusResponse>;
  /** Ends when the signal aborts; throws when the bus ends it or the connection is lost. */
  subscribe(
    request: MessageInitShape<typeof SubscribeRequestSchema>,
    signal: AbortSignal,
  ): AsyncIterable<SubscribeResponse>;
  /** New material for the next connection; the open one is left as soon as its calls are answered. */
  setTls(tls: TlsMaterial): void;
  /** Ends the connection and every call in flight. Safe twice. */
  close(): Promise<void>;
}

/** Builds the client; nothing is connected before the first call. Throws `config_invalid` on a broken address. */
export function createBusClient(options: BusClientOptions): BusClient {
  return new Http2BusClient(options);
}

const paths = {
  publishTree: "/amoskys.v1.Bus/PublishTree",
  publishEnvelopes: "/amoskys.v1.Bus/PublishEnvelopes",
  publishTelemetry: "/messaging.UniversalEventBus/PublishTelemetry",
  getHealth: "/messaging.UniversalEventBus/GetHealth",
  getStatus: "/messaging.UniversalEventBus/GetStatus",
  subscribe: "/amoskys.v1.Bus/Subscribe",
} as const;

/** How often a call is made again that the bus has not looked at. */
const unseenTriesMax = 3;

class Http2BusClient implements BusClient {
  readonly #options: BusClientOptions;
  readonly #address: BusAddress;
  readonly #turns: Turns;
  readonly #callTimeoutMs: number;
  readonly #closing = new AbortController();
  #tls: TlsMaterial;
  #connection: ClientConnection | undefined;
  #connecting: Promise<ClientConnection> | undefined;

  constructor(options: BusClientOptions) {
    this.#options = options;
    this.#address = parseBusAddress(options.address);
    this.#tls = options.tls;
    this.#turns = new Turns(options.inFlightMax ?? 64);
    this.#callTimeoutMs = options.callTimeoutMs ?? 20_000;
  }

  publishTree(bytes: Uint8Array, signal?: AbortSignal): Promise<PublishTreeResponse> {
    return this.#unary(paths.publishTree, bytes, PublishTreeResponseSchema, signal);
  }

  publishEnvelopes(bytes: Uint8Array, signal?: AbortSignal): Promise<PublishEnvelopesResponse> {
    return this.#unary(paths.publishEnvelopes, bytes, PublishEnvelopesResponseSchema, signal);
  }

  publishTelemetry(bytes: Uint8Array, signal?: AbortSignal): Promise<UniversalAck> {
    return this.#unary(paths.publishTelemetry, bytes, UniversalAckSchema, signal);
  }

  getHealth(signal?: AbortSignal): Promise<HealthResponse> {
    const request = toBinary(HealthRequestSchema, create(HealthRequestSchema));
    return this.#unary(paths.getHealth, request, HealthResponseSchema, signal);
  }

  getStatus(signal?: AbortSignal): Promise<StatusResponse> {
    const request = toBinary(StatusRequestSchema, create(StatusRequestSchema, { includeMetrics: true }));
    return this.#unary(paths.getStatus, request, StatusResponseSchema, signal);
  }

  async *subscribe(
    request: MessageInitShape<typeof SubscribeRequestSchema>,
    signal: AbortSignal,
  ): AsyncGenerator<SubscribeResponse> {
    const message = toBinary(SubscribeRequestSchema, create(SubscribeRequestSchema, request));
    try {
      const connection = await this.#connected(signal);
      const call = connection.call({ path: paths.subscribe, message, signal });
      for await (const bytes of call.messages()) yield this.#decode(SubscribeResponseSchema, bytes);
    } catch (caught) {
      if (signal.aborted) return;
      throw caught instanceof CallNotSeen ? this.#unseen(caught) : caught;
    }
  }

  setTls(tls: TlsMaterial): void {
    this.#tls = tls;
    this.#connection?.retire();
    this.#connection = undefined;
    // what is being made with the old material is not kept
    this.#connecting?.then(
      (connection) => connection.retire(),
      () => {},
    );
    this.#connecting = undefined;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#connection?.destroy(closedClient());
    this.#connection = undefined;
  }

  async #unary<Response extends DescMessage>(
    path: string,
    message: Uint8Array,
    schema: Response,
    signal: AbortSignal | undefined,
  ): Promise<MessageShape<Response>> {
    const endTurn = await this.#turns.take();
    try {
      for (let tries = 1; ; tries += 1) {
        try {
          return this.#decode(schema, await this.#try(path, message, signal));
        } catch (caught) {
          if (!(caught instanceof CallNotSeen)) throw caught;
          if (tries === unseenTriesMax) throw this.#unseen(caught);
        }
      }
    } finally {
      endTurn();
    }
  }

  async #try(path: string, message: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const connection = await this.#connected(signal);
    const startMs = this.#options.clock.monotonicMs();
    try {
      const timeoutMs = this.#callTimeoutMs + message.length / slowestBytesPerMs;
      return await connection.call({ path, message, timeoutMs, signal }).unary();
    } catch (caught) {
      const lost = caught instanceof AmoskysError && caught.code === "timeout" && !connection.heardSince(startMs);
      // silent for the whole call: the next one is better off with a new connection
      if (lost) connection.destroy(caught);
      throw caught;
    }
  }

  #decode<Response extends DescMessage>(schema: Response, bytes: Uint8Array): MessageShape<Response> {
    try {
      return fromBinary(schema, bytes);
    } catch (caught) {
      const why = caught instanceof Error ? caught.message : String(caught);
      throw callFailure("INTERNAL", `what cannot be decoded: ${why}`, this.#address.text, caught);
    }
  }

  #unseen(cause: CallNotSeen): AmoskysError {
    const message = `The bus at ${this.#address.text} takes no calls on its connections`;
    return localFailure("unreachable", message, this.#address.text, cause);
  }

  /** The connection in use, or a new one; callers that come meanwhile share it. */
  async #connected(signal: AbortSignal | undefined): Promise<ClientConnection> {
    if (this.#closing.signal.aborted) throw closedClient();
    if (this.#connection?.usable) return this.#connection;
    const connecting = this.#connecting ?? this.#connect();
    if (!signal) return connecting;
    return unlessAborted(connecting, signal, () => new AmoskysError("interrupted", "The call was given up"));
  }

  #connect(): Promise<ClientConnection> {
    const { observer } = this.#options;
    const connecting = this.#open();
    this.#connecting = connecting;
    const settled = (outcome: string, connection?: ClientConnection) => {
      observer.count("amoskys_agent_connections_total", { outcome });
      if (this.#connecting !== connecting) return;
      this.#connecting = undefined;
      this.#connection = connection;
    };
    connecting.then(
      (connection) => settled("opened", connection),
      (caught: unknown) => settled(AmoskysError.from(caught).code),
    );
    return connecting;
  }

  async #open(): Promise<ClientConnection> {
    const { clock, connectTimeoutMs = 10_000, keepaliveMs = 10_000 } = this.#options;
    for (let tries = 1; ; tries += 1) {
      try {
        const options = { address: this.#address, tls: this.#tls, clock, connectTimeoutMs, keepaliveMs };
        return await ClientConnection.open(options, this.#closing.signal);
      } catch (caught) {
        if (!(caught instanceof ClosedEarly)) throw caught;
        // a bus that is just being stopped looks the same once, but cannot be reached the second time
        if (tries === 2) throw closedByBus(this.#address.text);
      }
    }
  }
}

function closedClient(): AmoskysError {
  return new AmoskysError("interrupted", "The client was closed");
}
