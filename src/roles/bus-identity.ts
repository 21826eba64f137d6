import { dirname } from "node:path";
import type { Clock } from "../core/clock.ts";
import { AmoskysError } from "../core/errors.ts";
import type { Observer } from "../core/observer.ts";
import {
  listCertificates,
  loadTlsMaterial,
  type TlsMaterial,
  type TrustMap,
  type TrustWatch,
  validityAt,
  watchTrustMap,
} from "../identity/index.ts";
import type { IdentityPlaces } from "./identity-places.ts";
import { WatchedFiles } from "./watched-files.ts";

const watchEveryMs = 1000;
const judgeEveryMs = 60_000;

const farewellMsDefault = 500;

export interface BusIdentityOptions {
  readonly home: string;
  readonly places: IdentityPlaces;
  readonly allowGroupRead: boolean;
  readonly clock: Clock;
  readonly observer: Observer;
  /** How long a name that is trusted no longer keeps its connections: time for its open calls to hear why. */
  readonly farewellMs?: number;
}

/** What hears of changes. */
export interface BusIdentityListener {
  /** The server's certificate, its key or the authorities are new. */
  onTls(tls: TlsMaterial): void;
  /** Another trust map is in force. */
  onTrust(): void;
  /** A name is trusted no longer: its connections are to be ended. */
  onRemoved(name: string): void;
}

/**
 * Who the bus is and whom it trusts: its certificate and the trust map, taken anew when their files change. New files
 * that cannot be used leave the old ones in force, and are reported.
 */
export class BusIdentity {
  readonly #options: BusIdentityOptions;
  readonly #watch: TrustWatch;
  #tls: TlsMaterial;
  readonly #files: WatchedFiles;
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #farewells = new Set<ReturnType<typeof setTimeout>>();
  #listener: BusIdentityListener | undefined;
  #trusted: TrustMap;
  #judged: { readonly atMs: number; readonly endMs: number | undefined } | undefined;

  /** Throws `identity_invalid` where the trust map or a file is missing, broken, or readable by others. */
  constructor(options: BusIdentityOptions) {
    const { places, home, observer } = options;
    this.#options = options;
    const { ca, cert, key } = options.places.server;
    this.#files = new WatchedFiles([ca, cert, key]);
    this.#tls = this.#loadTls();
    this.#watch = watchTrustMap(places.trustMap, {
      home,
      onChange: (map) => this.#trustChanged(map),
      onError: ({ message, hint }) => {
        observer.count("amoskys_bus_trust_errors_total");
        observer.log("error", `the new trust map cannot be used, the old one stays: ${message}`, { hint });
      },
    });
    this.#trusted = this.#watch.current;
  }

  get tls(): TlsMaterial {
    return this.#tls;
  }

  get trust(): TrustMap {
    return this.#watch.current;
  }

  listen(listener: BusIdentityListener): void {
    this.#listener = listener;
    this.#timer = setInterval(() => this.#reload(), watchEveryMs);
  }

  close(): void {
    this.#watch.close();
    clearInterval(this.#timer);
    for (const farewell of this.#farewells) clearTimeout(farewell);
  }

  /** When the bus's certificate ends, milliseconds since the Unix epoch. Looks at the file at most once a minute. */
  certificateEndMs(): number | undefined {
    const { clock, places, allowGroupRead } = this.#options;
    const nowMs = clock.wallMs();
    if (this.#judged && Math.abs(nowMs - this.#judged.atMs) <= judgeEveryMs) return this.#judged.endMs;
    const { cert } = places.server;
    const facts = listCertificates(dirname(cert), { nowMs, allowGroupRead }).find(({ path }) => path === cert);
    this.#judged = { atMs: nowMs, endMs: facts?.notAfterMs };
    return facts?.notAfterMs;
  }

  #trustChanged(map: TrustMap): void {
    const { clock, observer, farewellMs = farewellMsDefault } = this.#options;
    const nowMs = clock.wallMs();
    const isHeld = (trust: TrustMap, name: string) => {
      const entry = trust.entries.get(name);
      return entry !== undefined && validityAt(entry, nowMs) === "valid";
    };
    const removed = [...this.#trusted.entries.keys()].filter((name) => !isHeld(map, name));
    this.#trusted = map;
    observer.log("info", "took a new trust map", { names: map.entries.size, removed: removed.length });
    this.#listener?.onTrust();
    if (removed.length === 0) return;
    const farewell = setTimeout(() => {
      this.#farewells.delete(farewell);
      for (const name of removed) if (!isHeld(this.trust, name)) this.#listener?.onRemoved(name);
    }, farewellMs);
    this.#farewells.add(farewell);
  }

  #reload(): void {
    if (!this.#files.changed()) return;
    const { observer } = this.#options;
    try {
      const tls = this.#loadTls();
      this.#tls = tls;
      this.#listener?.onTls(tls);
      this.#judged = undefined;
      observer.log("info", "took a new server certificate");
    } catch (caught) {
      const { message, hint } = AmoskysError.from(caught);
      observer.log("error", `the new server certificate cannot be used, the old one stays: ${message}`, { hint });
    }
  }

  #loadTls(): TlsMaterial {
    const { places, allowGroupRead, clock } = this.#options;
    return loadTlsMaterial(places.server, { allowGroupRead, nowMs: clock.wallMs() });
  }
}
