/** The status codes of gRPC by name (grpc/grpc, doc/statuscodes.md). */
export const grpcStatusCodes = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** A gRPC status by its name, e.g. "UNAUTHENTICATED". */
export type GrpcStatus = keyof typeof grpcStatusCodes;

const names = Object.keys(grpcStatusCodes) as GrpcStatus[];

/** The name of a status number as it stands in `grpc-status`; what is no number of the table is UNKNOWN. */
export function grpcStatusName(code: number): GrpcStatus {
  return names[code] ?? "UNKNOWN";
}

/**
 * Thrown by a handler to answer its call with a gRPC status instead of a message. The text goes to the peer as it
 * stands, so it holds nothing that the peer may not know.
 */
export class CallRefusal extends Error {
  readonly status: GrpcStatus;

  constructor(status: Exclude<GrpcStatus, "OK">, message: string) {
    super(message);
    this.name = "CallRefusal";
    this.status = status;
  }
}
