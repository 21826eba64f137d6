import { AmoskysError, type ErrorCode, errnoOf } from "../core/errors.ts";
import { printable } from "../core/escape.ts";
import type { GrpcStatus } from "./grpc-status.ts";

const hints: Partial<Record<ErrorCode, string>> = {
  unreachable: "amoskys bus serve on that host, or correct agent.bus_address (amoskys config show --origin)",
  timeout: "amoskys bus status",
  identity_refused: "amoskys certs check",
  message_too_large: "amoskys bus status",
  unimplemented: "use the same version of amoskys on both sides (amoskys --version)",
};

/**
 * What a gRPC status means to the one who called. INTERNAL is the bus's own fault and worth another try later, although
 * its code is not marked so: `internal` is also what a bug of ours is.
 */
const codeOfStatus: Partial<Record<GrpcStatus, ErrorCode>> = {
  UNAVAILABLE: "unreachable",
  CANCELLED: "unreachable",
  ABORTED: "unreachable",
  DEADLINE_EXCEEDED: "timeout",
  UNAUTHENTICATED: "identity_refused",
  PERMISSION_DENIED: "identity_refused",
  RESOURCE_EXHAUSTED: "message_too_large",
  UNIMPLEMENTED: "unimplemented",
};

/** The status of an answer that is no gRPC (grpc/grpc, doc/http-grpc-status-mapping.md). */
export function statusOfHttp(httpStatus: number): GrpcStatus {
  switch (httpStatus) {
    case 400:
      return "INTERNAL";
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return "PERMISSION_DENIED";
    case 404:
      return "UNIMPLEMENTED";
    case 429:
    case 502:
    case 503:
    case 504:
      return "UNAVAILABLE";
    default:
      return "UNKNOWN";
  }
}

/** Where the bus itself answers that it refuses us, our certificate was good: its trust map is what to look at. */
const refusedCallHint = "amoskys trust list (where the bus runs)";

/** The failure of one call, by its class; `details.grpcStatus` names the status. */
export function callFailure(grpcStatus: GrpcStatus, text: string, where: string, cause?: unknown): AmoskysError {
  const code = codeOfStatus[grpcStatus] ?? "internal";
  const said = text === "" ? "" : `: ${printable(text)}`;
  return new AmoskysError(code, `The bus at ${where} answered ${grpcStatus}${said}`, {
    hint: code === "identity_refused" ? refusedCallHint : hints[code],
    cause,
    details: { grpcStatus, address: where },
  });
}

/** A failure that no answer of the bus stands behind. */
export function localFailure(code: ErrorCode, message: string, where: string, cause?: unknown): AmoskysError {
  const grpcStatus: GrpcStatus = code === "timeout" ? "DEADLINE_EXCEEDED" : "UNAVAILABLE";
  return new AmoskysError(code, message, { hint: hints[code], cause, details: { grpcStatus, address: where } });
}

// alerts about a certificate (RFC 8446, section 6.2) by BoringSSL's names, with SSLV3_ or TLSV1_ before them
const certificateAlert =
  /^ERR_SSL_\w*ALERT_(CERTIFICATE_\w+|(?:BAD|NO|UNSUPPORTED)_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)$/;
// what verifying the bus's certificate came to, by the names node gives it
const verdict = /^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|INVALID_|ERROR_IN_CERT_|ERR_TLS_CERT_|CRL_)/;

/** The failure of a connection that never came to carry a call; `cause` is what the socket said, if anything. */
export function connectFailure(cause: unknown, where: string): AmoskysError {
  const code = errnoOf(cause) ?? "";
  const why = cause instanceof Error ? printable(cause.message) : "the connection was closed";
  const alert = certificateAlert.exec(code);
  if (alert) {
    const name = (alert[1] as string).toLowerCase().replaceAll("_", " ");
    return refusedCertificate(`The bus at ${where} refuses our certificate: ${name}`, where, cause);
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return otherName(cause, where);
  if (verdict.test(code)) {
    return refusedCertificate(`The certificate of the bus at ${where} is not to be trusted: ${why}`, where, cause);
  }
  if (code.startsWith("ERR_SSL_")) {
    return localFailure("unreachable", `What answers at ${where} is no bus: ${why}`, where, cause);
  }
  return localFailure("unreachable", `The bus at ${where} cannot be reached: ${why}`, where, cause);
}

/** A bus that ends a connection after the handshake and before its first frame has not accepted our certificate. */
export function closedByBus(where: string): AmoskysError {
  return refusedCertificate(
    `The bus at ${where} closes the connection after the handshake: it does not accept our certificate`,
    where,
  );
}

function refusedCertificate(message: string, where: string, cause?: unknown): AmoskysError {
  const details = { grpcStatus: "UNAUTHENTICATED" satisfies GrpcStatus, address: where };
  return new AmoskysError("identity_refused", message, { hint: hints.identity_refused, cause, details });
}

function otherName(cause: unknown, where: string): AmoskysError {
  const names = (cause as { cert?: { subjectaltname?: unknown } }).cert?.subjectaltname;
  const known = typeof names === "string" ? `: it is for ${printable(names)}` : "";
  const message = `The certificate of the bus at ${where} is for another host${known}`;
  const details = { grpcStatus: "UNAUTHENTICATED" satisfies GrpcStatus, address: where };
  const remake = "amoskys certs gen server --host NAME --replace";
  const hint = `put a name of that list into agent.bus_address, or where the bus runs: ${remake}`;
  return new AmoskysError("identity_refused", message, { hint, cause, details });
}
