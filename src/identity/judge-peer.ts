import { type Permission, type TrustEntry, type TrustMap, validityAt } from "./trust-map.ts";

/** What the transport knows of a peer by its certificate, whose chain it has verified already. */
export interface PeerFacts {
  /** The certificate's one valid CN; undefined: none, several or malformed. */
  readonly name: string | undefined;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** The certificate may be a client's: no extended key usage, or one with clientAuth, and not a CA's. */
  readonly clientUse: boolean;
}

/** Why an identity is refused: codes of acks of class "identity". */
export type IdentityCode = "unknown_agent" | "revoked" | "expired" | "not_permitted";

/** `reason` is one line for the person who mends it; it carries no byte that the peer chose but a valid name. */
export type PeerVerdict =
  | { readonly ok: true; readonly entry: TrustEntry }
  | { readonly ok: false; readonly code: IdentityCode; readonly reason: string };

function refuse(code: IdentityCode, reason: string): PeerVerdict {
  return { ok: false, code, reason };
}

function day(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : "an unreadable date";
}

/** Judges a peer at one call: its certificate is in date and a client's, and its entry lets it do this now. */
export function judgePeer(peer: PeerFacts, permission: Permission, trust: TrustMap, nowMs: number): PeerVerdict {
  if (peer.name === undefined) return refuse("unknown_agent", "the certificate has no single valid common name");
  if (!peer.clientUse) return refuse("not_permitted", `the certificate of ${peer.name} is not one of a client`);
  const entry = trust.entries.get(peer.name);
  if (!entry) return refuse("unknown_agent", `${peer.name} is not in the trust map`);
  const held = validityAt(entry, nowMs);
  if (held === "revoked") return refuse("revoked", `${peer.name} was revoked in the trust map`);
  // written so that a date that is no number refuses
  if (!(nowMs <= peer.notAfterMs)) {
    return refuse("expired", `the certificate of ${peer.name} ended ${day(peer.notAfterMs)}`);
  }
  if (!(nowMs >= peer.notBeforeMs)) {
    return refuse("expired", `the certificate of ${peer.name} begins only ${day(peer.notBeforeMs)}`);
  }
  if (held !== "valid") return refuse("expired", `the trust entry of ${peer.name} is out of its dates`);
  if (!entry.permissions.has(permission))
    return refuse("not_permitted", `${peer.name} has no permission ${permission}`);
  return { ok: true, entry };
}
