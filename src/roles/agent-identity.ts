import { dirname } from "node:path";
import type { Clock } from "../core/clock.ts";
import { AmoskysError } from "../core/errors.ts";
import type { Observer } from "../core/observer.ts";
import {
  type AgentSigner,
  listCertificates,
  loadSigner,
  loadTlsMaterial,
  type TlsMaterial,
} from "../identity/index.ts";
import type { IdentityPlaces } from "./identity-places.ts";
import { WatchedFiles } from "./watched-files.ts";

const watchEveryMs = 2000;
const judgeEveryMs = 60_000;
const dayMs = 86_400_000;

export interface AgentIdentityOptions {
  readonly agent: string;
  readonly places: IdentityPlaces;
  readonly allowGroupRead: boolean;
  readonly clock: Clock;
  readonly observer: Observer;
}

/** How an agent's certificate is. */
export interface CertificateCheck {
  readonly ok: boolean;
  readonly message: string;
}

/**
 * The agent's certificate and signing key, taken anew when their files change, so that they rotate without a restart.
 * New files that cannot be used leave the old ones in force.
 */
export class AgentIdentity {
  /** Signs with the key that is in force. */
  readonly signer: Pick<AgentSigner, "agent" | "sign">;
  readonly #options: AgentIdentityOptions;
  #key: AgentSigner;
  #tls: TlsMaterial;
  readonly #files: WatchedFiles;
  #timer: ReturnType<typeof setInterval> | undefined;
  #judged: { readonly atMs: number; readonly notAfterMs: number; readonly problems: readonly string[] } | undefined;

  /** Throws `identity_invalid` where a file is missing, broken, or readable by others. */
  constructor(options: AgentIdentityOptions) {
    this.#options = options;
    const { ca, cert, key } = options.places.agent;
    this.#files = new WatchedFiles([ca, cert, key, options.places.seed]);
    this.#key = this.#loadKey();
    this.#tls = this.#loadTls();
    this.signer = { agent: options.agent, sign: (message) => this.#key.sign(message) };
  }

  get tls(): TlsMaterial {
    return this.#tls;
  }

  /** Looks at the files now and then; `onTls` hears of new certificates. */
  watch(onTls: (tls: TlsMaterial) => void, everyMs = watchEveryMs): void {
    this.#timer = setInterval(() => this.#reload(onTls), everyMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Whether the certificate is good, and until when. Looks at the file at most once a minute. */
  check(): CertificateCheck {
    const { clock } = this.#options;
    const nowMs = clock.wallMs();
    if (this.#judged === undefined || Math.abs(nowMs - this.#judged.atMs) > judgeEveryMs)
      this.#judged = this.#judge(nowMs);
    const { notAfterMs, problems } = this.#judged;
    const [problem] = problems;
    if (problem !== undefined) return { ok: false, message: problem };
    return { ok: true, message: `ends in ${Math.floor((notAfterMs - nowMs) / dayMs)} days` };
  }

  #judge(nowMs: number) {
    const { places, allowGroupRead, observer } = this.#options;
    const { cert } = places.agent;
    const facts = listCertificates(dirname(cert), { nowMs, allowGroupRead }).find(({ path }) => path === cert);
    const notAfterMs = facts?.notAfterMs ?? Number.NaN;
    observer.gauge("amoskys_agent_certificate_not_after_timestamp_seconds", notAfterMs / 1000);
    return { atMs: nowMs, notAfterMs, problems: facts?.problems ?? [`${cert} is not there`] };
  }

  #reload(onTls: (tls: TlsMaterial) => void): void {
    if (!this.#files.changed()) return;
    const { observer } = this.#options;
    try {
      const tls = this.#loadTls();
      this.#key = this.#loadKey();
      this.#tls = tls;
      this.#judged = undefined;
      onTls(tls);
      observer.log("info", "took new certificates and keys");
    } catch (caught) {
      const { message, hint } = AmoskysError.from(caught);
      observer.log("error", `the new certificates or keys cannot be used, the old ones stay: ${message}`, { hint });
    }
  }

  #loadKey(): AgentSigner {
    const { agent, places, allowGroupRead } = this.#options;
    return loadSigner({ seedPath: places.seed, agent, allowGroupRead });
  }

  #loadTls(): TlsMaterial {
    const { places, allowGroupRead, clock } = this.#options;
    return loadTlsMaterial(places.agent, { allowGroupRead, nowMs: clock.wallMs() });
  }
}
