import { expect, test } from "bun:test";
import { classifyHandshake } from "../../src/transport/peer-refusal.ts";

test.each([
  ["ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE", { authentication: "no_certificate" }],
  ["CERT_HAS_EXPIRED", { authentication: "expired" }],
  ["CERT_REVOKED", { authentication: "revoked" }],
  ["SELF_SIGNED_CERT_IN_CHAIN", { authentication: "untrusted" }],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", { authentication: "untrusted" }],
  ["UNABLE_TO_GET_CRL", { authentication: "untrusted" }],
  ["ERR_TLS_HANDSHAKE_TIMEOUT", { handshake: "timeout" }],
  ["ECONNRESET", { handshake: "gone" }],
  ["ERR_SSL_UNSUPPORTED_PROTOCOL", { handshake: "protocol" }],
  ["ERR_SOMETHING_NEW", { handshake: "other" }],
  [undefined, { handshake: "other" }],
] as const)("classifyHandshake sorts %p", (code, expected) => {
  expect(classifyHandshake(Object.assign(new Error("x"), code ? { code } : {}))).toEqual(expected);
});
