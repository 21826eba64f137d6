import { latin1, type ServiceFacts, serviceFacts } from "./service-facts.ts";

const headerBytes = 12;
const classChaos = 3;
const typeText = 16;
const queryId = 0x414d;

/** `version.bind` in class CHAOS over TCP (RFC 1035, 4.2.2; RFC 4892): a server answers or refuses, and asks nobody. */
export const dnsProbe: Uint8Array = (() => {
  const name = Buffer.from("\x07version\x04bind\0", "latin1");
  const message = Buffer.alloc(headerBytes + name.length + 4);
  message.writeUInt16BE(queryId, 0);
  message.writeUInt16BE(1, 4);
  name.copy(message, headerBytes);
  message.writeUInt16BE(typeText, headerBytes + name.length);
  message.writeUInt16BE(classChaos, headerBytes + name.length + 2);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
})();

/** The answer to `dnsProbe`, with the version where the server tells it. */
export function parseDns(bytes: Uint8Array): ServiceFacts | undefined {
  if (bytes.length < 2 + headerBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + 2, bytes.length - 2);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint16(0);
  // the id that was asked with, the bit of answers, opcode 0
  if (length < headerBytes || view.getUint16(0) !== queryId || (view.getUint8(2) & 0xf8) !== 0x80) return undefined;
  const end = Math.min(view.byteLength, length);
  const software = versionText(view, end);
  const match = /^([A-Za-z][\w-]*)[- ](\d[\w.-]*)/.exec(software ?? "");
  return serviceFacts("dns", view.byteLength >= length, {
    product: match?.[1],
    version: match ? match[2] : software,
    details: { rcode: String(view.getUint8(3) & 0xf) },
  });
}

/** The first text of the first answer. */
function versionText(view: DataView, end: number): string | undefined {
  if (view.getUint16(6) === 0) return undefined;
  let at = headerBytes;
  for (let n = view.getUint16(4); n > 0; n -= 1) at = behindName(view, at, end) + 4;
  at = behindName(view, at, end);
  if (at + 11 > end || view.getUint16(at) !== typeText) return undefined;
  const start = at + 11;
  const stop = Math.min(end, start + view.getUint8(at + 10));
  return latin1(new Uint8Array(view.buffer, view.byteOffset + start, stop - start));
}

function behindName(view: DataView, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const length = view.getUint8(at);
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    at += 1 + length;
  }
  return end;
}
