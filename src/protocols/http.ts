import { latin1, type ServiceFacts, serviceFacts } from "./service-facts.ts";

/** A request that every version of HTTP understands and that changes nothing (RFC 9110, 9.3.1). */
export function httpProbe(host: string): Uint8Array {
  const name = host.includes(":") ? `[${host}]` : host;
  return Buffer.from(`GET / HTTP/1.0\r\nHost: ${name}\r\nUser-Agent: amoskys\r\nConnection: close\r\n\r\n`, "latin1");
}

/** The head of an answer (RFC 9112, 4): status, and the software as its field `Server` has it. */
export function parseHttp(bytes: Uint8Array): ServiceFacts | undefined {
  const text = latin1(bytes);
  const status = /^HTTP\/(\d(?:\.\d)?) (\d{3})/.exec(text);
  if (!status) return undefined;
  const end = /\r?\n\r?\n/.exec(text);
  // a TLS server that was spoken to without TLS, in the words of Apache, nginx and Go
  if (status[2] === "400" && /HTTPS (port|server)|SSL-enabled/.test(text)) return undefined;
  const head = end ? text.slice(0, end.index) : text;
  const server = /\n[Ss][Ee][Rr][Vv][Ee][Rr]:[ \t]*([^\r\n]*)/.exec(head)?.[1];
  const product = /^([^/\s(]+)(?:\/([^\s;,]+))?/.exec(server ?? "");
  return serviceFacts("http", end !== null && status[2] !== "400", {
    product: product?.[1],
    version: product?.[2],
    details: { protocol: status[1], status: status[2], server },
  });
}
