import { constants } from "node:crypto";
import { createSecureContext, type SecureContextOptions, type TlsOptions } from "node:tls";
import { AmoskysError } from "../core/errors.ts";
import type { ServerLimits } from "./limits.ts";
import type { TlsMaterial } from "./tls-material.ts";

/**
 * What a handshake is held to: TLS 1.3, a certificate that our authority issued, and no session tickets. A resumed
 * session is accepted without the peer's key and without another look at its certificate, so there is none.
 */
export function secureContextOptions(material: TlsMaterial, crl: string | undefined): SecureContextOptions {
  const { ca, cert, key } = material;
  return {
    ca,
    cert,
    key,
    crl,
    minVersion: "TLSv1.3",
    maxVersion: "TLSv1.3",
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** The options of the listener itself. */
export function listenerOptions(material: TlsMaterial, crl: string | undefined, limits: ServerLimits): TlsOptions {
  return {
    ...secureContextOptions(material, crl),
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: ["h2"],
    handshakeTimeout: limits.handshakeMs,
  };
}

/** Throws `identity_invalid` where material cannot be used, before anything that works is given up for it. */
export function assertUsable(material: TlsMaterial, crl?: string): void {
  try {
    createSecureContext(secureContextOptions(material, crl));
  } catch (caught) {
    const why = caught instanceof Error ? caught.message : String(caught);
    throw new AmoskysError("identity_invalid", `The TLS certificate, key or authority cannot be used: ${why}`, {
      hint: "amoskys certs check",
      cause: caught,
    });
  }
}
