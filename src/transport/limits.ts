/** What one server holds at most. Every connection over a limit is closed, every call over one is answered or reset. */
export interface ServerLimits {
  /** Bytes of one request message, before and after decompression. */
  readonly requestBytesMax: number;
  /** Bytes of requests that are not answered yet, of all connections. */
  readonly bufferedBytesMax: number;
  /** The same, of one connection. */
  readonly bufferedBytesPerConnectionMax: number;
  /** Until the TLS handshake is done. */
  readonly handshakeMs: number;
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
  /** Calls open at once on one connection (SETTINGS_MAX_CONCURRENT_STREAMS). */
  readonly streamsMax: number;
  /** Bytes of the header list of one call (SETTINGS_MAX_HEADER_LIST_SIZE). */
  readonly headerBytesMax: number;
  readonly headerPairsMax: number;
  /** Until a connection without an open call is closed. */
  readonly idleMs: number;
  /**
   * Until a connection is asked to go (GOAWAY), so that certificates are looked at again; shortened by up to a fifth.
   */
  readonly ageMs: number;
  /** Until what is still open on a connection that was asked to go is cut off. */
  readonly graceMs: number;
  /** Until a silent connection is asked whether it still lives; as long again, and it is cut off. */
  readonly keepaliveMs: number;
  /** Until the whole request of a call has arrived, beside the time that a slow link takes for what came of it. */
  readonly bodyMs: number;
  /** From the whole request until the answer, whatever deadline the peer asks for. */
  readonly callMs: number;
  /** Until a peer that does not read what it is sent is cut off. */
  readonly stalledMs: number;
  /** How often the guards look at a connection; the four limits below are per connection and this interval. */
  readonly guardMs: number;
  /** Calls that a peer resets. */
  readonly resetsMax: number;
  /** Frames that carry neither a header nor a body: PRIORITY, SETTINGS, PING, WINDOW_UPDATE and unknown ones. */
  readonly controlFramesMax: number;
  /** Body frames of less than 64 bytes that do not end a call, beside four for each call. */
  readonly smallFramesMax: number;
  /** CONTINUATION frames of one header (nghttp2 allows 8). */
  readonly continuationsMax: number;
}

/** The slowest link that is waited for, in bytes a millisecond: 128 kbit/s. */
export const slowestBytesPerMs = 16;

const mebibyte = 1024 * 1024;

export const defaultServerLimits: ServerLimits = {
  requestBytesMax: 4 * mebibyte,
  bufferedBytesMax: 128 * mebibyte,
  bufferedBytesPerConnectionMax: 16 * mebibyte,
  handshakeMs: 5_000,
  connectionsMax: 4_096,
  connectionsPerAddressMax: 512,
  streamsMax: 128,
  headerBytesMax: 16 * 1024,
  headerPairsMax: 64,
  idleMs: 300_000,
  ageMs: 3_600_000,
  graceMs: 30_000,
  keepaliveMs: 15_000,
  bodyMs: 20_000,
  callMs: 60_000,
  stalledMs: 60_000,
  guardMs: 1_000,
  resetsMax: 256,
  controlFramesMax: 20_000,
  smallFramesMax: 2_000,
  continuationsMax: 8,
};
