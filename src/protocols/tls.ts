import { type ServiceFacts, serviceFacts } from "./service-facts.ts";

// RFC 8446, 5.1 and 4: records, alerts, handshakes
const recordAlert = 0x15;
const recordHandshake = 0x16;
const serverHello = 0x02;
const supportedVersions = 0x002b;
const headerBytes = 5;

const versionNames: Readonly<Record<number, string>> = {
  768: "SSLv3",
  769: "TLSv1.0",
  770: "TLSv1.1",
  771: "TLSv1.2",
  772: "TLSv1.3",
};

function word(...values: number[]): number[] {
  return values.flatMap((value) => [value >> 8, value & 0xff]);
}

function sized(bytes: readonly number[]): number[] {
  return [...word(bytes.length), ...bytes];
}

/**
 * A ClientHello (RFC 8446, 4.1.2) that offers TLS 1.2 and 1.3 with suites and groups in wide use. The key share is
 * empty, so that the server names a group at most and spends nothing on keys.
 */
export function tlsProbe(random: Uint8Array): Uint8Array {
  const suites = word(
    0x1301,
    0x1302,
    0x1303,
    0xc02b,
    0xc02f,
    0xc02c,
    0xc030,
    0xcca9,
    0xcca8,
    0xc013,
    0xc014,
    0x9c,
    0x2f,
  );
  const extension = (type: number, data: readonly number[]) => [...word(type), ...sized(data)];
  const extensions = [
    ...extension(0x000a, sized(word(0x001d, 0x0017, 0x0018))),
    ...extension(0x000b, [1, 0]),
    ...extension(0x000d, sized(word(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, 0x0201))),
    ...extension(supportedVersions, [4, ...word(0x0304, 0x0303)]),
    ...extension(0x0033, sized([])),
  ];
  const body = [...word(0x0303), ...random.subarray(0, 32), 0, ...sized(suites), 1, 0, ...sized(extensions)];
  const handshake = [0x01, 0, ...word(body.length), ...body];
  return Uint8Array.from([recordHandshake, ...word(0x0301), ...sized(handshake)]);
}

/** The version and suite of a ServerHello, or the alert that a server answered with. */
export function parseTls(bytes: Uint8Array): ServiceFacts | undefined {
  if (bytes.length < headerBytes + 2 || bytes[1] !== 3 || (bytes[2] as number) > 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = view.getUint16(3);
  if (bytes[0] === recordAlert) {
    if (length !== 2 || (bytes[5] !== 1 && bytes[5] !== 2)) return undefined;
    return serviceFacts("tls", true, { details: { alert: String(bytes[6]) } });
  }
  if (bytes[0] !== recordHandshake || bytes[headerBytes] !== serverHello) return undefined;
  const end = Math.min(bytes.length, headerBytes + length);
  const hello = readServerHello(view, headerBytes + 4, end);
  return serviceFacts("tls", end === headerBytes + length, {
    version: hello && (versionNames[hello.version] ?? `0x${hello.version.toString(16)}`),
    details: { suite: hello && `0x${hello.suite.toString(16).padStart(4, "0")}` },
  });
}

/** RFC 8446, 4.1.3: legacy version, 32 random bytes, session id, suite, compression, extensions. */
function readServerHello(view: DataView, start: number, end: number): { version: number; suite: number } | undefined {
  if (start + 35 > end) return undefined;
  let at = start + 34;
  at += 1 + view.getUint8(at);
  if (at + 2 > end) return undefined;
  const suite = view.getUint16(at);
  let version = view.getUint16(start);
  for (at += 5; at + 4 <= end; ) {
    const length = view.getUint16(at + 2);
    if (view.getUint16(at) === supportedVersions && length === 2 && at + 6 <= end) version = view.getUint16(at + 4);
    at += 4 + length;
  }
  return { version, suite };
}
