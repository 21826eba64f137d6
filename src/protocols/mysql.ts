import { latin1, type ServiceFacts, serviceFacts } from "./service-facts.ts";

const headerBytes = 4;
const errorPacket = 0xff;
const handshakeVersion = 10;

/** The first packet of a MySQL or MariaDB server: its handshake (protocol 10), or an error such as host not allowed. */
export function parseMysql(bytes: Uint8Array): ServiceFacts | undefined {
  if (bytes.length < headerBytes + 3 || bytes[3] !== 0) return undefined;
  const length = (bytes[0] as number) | ((bytes[1] as number) << 8) | ((bytes[2] as number) << 16);
  const complete = bytes.length >= headerBytes + length;
  const body = bytes.subarray(headerBytes, headerBytes + length);
  if (body[0] === errorPacket) {
    const code = (body[1] as number) | ((body[2] as number) << 8);
    // server errors, mysqld_error.h
    if (length > 1024 || code < 1000 || code >= 5000) return undefined;
    const text = latin1(body.subarray(3));
    const product = /MariaDB/.test(text) ? "MariaDB" : "MySQL";
    return serviceFacts("mysql", complete, { product, details: { error: String(code) } });
  }
  const end = body.indexOf(0, 1);
  if (body[0] !== handshakeVersion || length < 20 || length > 1024 || end < 2) return undefined;
  const said = latin1(body.subarray(1, end));
  if (!/^\d[\x21-\x7e]*$/.test(said)) return undefined;
  // MariaDB puts 5.5.5- before its own version for old replicas
  const maria = /^(?:5\.5\.5-)?(\d[\d.]*)-MariaDB/.exec(said);
  const version = maria?.[1] ?? said;
  return serviceFacts("mysql", complete, { product: maria ? "MariaDB" : "MySQL", version });
}
