import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { isAgentName } from "../core/agent-name.ts";

/** What the certificate of a connection says, read once per connection and handed to the handler of every call. */
export interface Peer {
  /** The one valid CN; undefined where there is none, several, or one that is no agent's name. */
  readonly name: string | undefined;
  /** The address the connection comes from, without the port. */
  readonly address: string;
  /** SHA-256 of the certificate, upper-case hexadecimal pairs with colons. */
  readonly fingerprint: string;
  /** Milliseconds since the Unix epoch; NaN where the certificate's date cannot be read. */
  readonly notBeforeMs: number;
  /** Milliseconds since the Unix epoch; NaN where the certificate's date cannot be read. */
  readonly notAfterMs: number;
  /** Whether it may be a client's: no extended key usage, or one that includes clientAuth, and not a CA's. */
  readonly clientUse: boolean;
}

/** id-kp-clientAuth (RFC 5280, section 4.2.1.12). */
const clientAuthentication = "1.3.6.1.5.5.7.3.2";

/** An authority's certificate says so, or, as those of X.509 v1, shows it by having issued itself. */
function isAuthority(certificate: X509Certificate): boolean {
  return certificate.ca || certificate.checkIssued(certificate);
}

/**
 * The facts of the certificate of a connection whose handshake is done, or undefined where it showed none. Nothing of
 * it is believed because the handshake was accepted.
 */
export function peerOf(socket: TLSSocket, address: string): Peer | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) return undefined;
  const name: unknown = certificate.toLegacyObject().subject?.CN;
  // what node calls keyUsage is the list of extended usages
  const uses: readonly string[] | undefined = certificate.keyUsage;
  return {
    name: isAgentName(name) ? name : undefined,
    address,
    fingerprint: certificate.fingerprint256,
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
    clientUse: !isAuthority(certificate) && (uses === undefined || uses.includes(clientAuthentication)),
  };
}
