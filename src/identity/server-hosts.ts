import type { X509Certificate } from "node:crypto";
import { isIPv6 } from "node:net";

/** The names and addresses of a certificate's subjectAltName (RFC 5280, section 4.2.1.6), in its order. */
export function hostsOf(certificate: X509Certificate): string[] {
  const parts = (certificate.subjectAltName ?? "").split(", ");
  return parts.flatMap((part) => {
    const [, host] = /^(?:DNS|IP Address):(.+)$/.exec(part) ?? [];
    if (host === undefined) return [];
    // the runtime writes all eight groups of an IPv6 address
    return isIPv6(host) ? [new URL(`http://[${host}]`).hostname.slice(1, -1)] : [host];
  });
}
