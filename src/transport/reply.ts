import { constants, type ServerHttp2Stream } from "node:http2";
import { frameMessage } from "./grpc-frame.ts";
import { type GrpcStatus, grpcStatusCodes } from "./grpc-status.ts";
import { encodeGrpcMessage } from "./grpc-text.ts";

const contentType = "application/grpc+proto";

/** Answers a unary call with its message and status OK. */
export function replyMessage(stream: ServerHttp2Stream, message: Uint8Array): void {
  stream.respond({ ":status": 200, "content-type": contentType }, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(frameMessage(message));
}

/** Answers a call with a status alone, and asks for no more of a request that has not ended (RFC 9113, section 8.1). */
export function replyStatus(stream: ServerHttp2Stream, status: GrpcStatus, message: string): void {
  const headers = {
    ":status": 200,
    "content-type": contentType,
    "grpc-status": String(grpcStatusCodes[status]),
    "grpc-message": encodeGrpcMessage(message),
    // told to every peer that used an encoding that is not known here, and harmless to the others
    "grpc-accept-encoding": "identity,gzip",
  };
  endWith(stream, headers);
}

/** Answers what is no gRPC call at all with an HTTP status. */
export function replyHttp(stream: ServerHttp2Stream, httpStatus: number): void {
  endWith(stream, { ":status": httpStatus });
}

function endWith(stream: ServerHttp2Stream, headers: Record<string, string | number>): void {
  stream.respond(headers, { endStream: true });
  if (stream.readableEnded) return;
  stream.close(constants.NGHTTP2_NO_ERROR);
}
