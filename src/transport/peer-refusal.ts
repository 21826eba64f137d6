import { errnoOf } from "../core/errors.ts";
import type { CallScope } from "./call-scope.ts";

/** Why a peer was not let in, or its call was refused, for its identity. */
export type AuthenticationFailure =
  | "no_certificate"
  | "untrusted"
  | "expired"
  | "not_yet_valid"
  | "revoked"
  | "wrong_use"
  | "no_single_name";

/** Why a handshake came to nothing before an identity was seen. */
export type HandshakeFailure = "timeout" | "protocol" | "gone" | "other";

// verification results of BoringSSL by the names node gives them (X509_verify_cert_error_string)
const authenticationFailures: Readonly<Record<string, AuthenticationFailure>> = {
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "no_certificate",
  CERT_HAS_EXPIRED: "expired",
  CERT_NOT_YET_VALID: "not_yet_valid",
  CERT_REVOKED: "revoked",
  INVALID_PURPOSE: "wrong_use",
  INVALID_CA: "wrong_use",
};

const handshakeFailures: Readonly<Record<string, HandshakeFailure>> = {
  ERR_TLS_HANDSHAKE_TIMEOUT: "timeout",
  ECONNRESET: "gone",
  EPIPE: "gone",
};

/**
 * Sorts the error of a failed handshake. What names neither TLS itself nor the connection is a verdict on a
 * certificate.
 */
export function classifyHandshake(
  error: unknown,
): { authentication: AuthenticationFailure } | { handshake: HandshakeFailure } {
  const code = errnoOf(error) ?? "";
  const authentication = authenticationFailures[code];
  if (authentication) return { authentication };
  const handshake = handshakeFailures[code];
  if (handshake) return { handshake };
  if (code.startsWith("ERR_SSL_")) return { handshake: "protocol" };
  return code === "" || code.startsWith("ERR_") ? { handshake: "other" } : { authentication: "untrusted" };
}

/** Counts a peer that was refused for its identity, and says so within a rate. */
export function reportRefusedPeer(scope: CallScope, reason: AuthenticationFailure, address: string): void {
  scope.observer.count("amoskys_bus_peers_refused_total", { reason });
  scope.logRate.log("warn", "a peer was refused", { reason, address });
}
