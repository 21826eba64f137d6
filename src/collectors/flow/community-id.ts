import { icmpCounterparts, icmpv6Counterparts, ipProtocols } from "../../packet/index.ts";
import { metaOf } from "./flow-meta.ts";
import { wordAddresses, wordMeta, wordPorts, wordPrefixA, wordPrefixB } from "./flow-records.ts";

const base64Digits = Uint8Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", (digit) =>
  digit.charCodeAt(0),
);

/** `1:` and 20 bytes in Base64. */
export const communityIdBytes = 30;

// scratch space: seed (0), two addresses, protocol, a zero byte, two ports
const input = new Uint8Array(2 + 16 + 16 + 2 + 4);
const inputView = new DataView(input.buffer);
const ipv4Input = input.subarray(0, 2 + 4 + 4 + 2 + 4);
const digest = new Uint8Array(20);

/**
 * Writes the Community ID, version 1 with seed 0 (github.com/corelight/community-id-spec), of the flow whose record
 * begins at word `record`; `initiator` is 0 for A, 1 for B. Answers where the text ends.
 */
export function writeCommunityId(
  bytes: Uint8Array,
  start: number,
  words: Int32Array,
  record: number,
  initiator: number,
): number {
  const meta = words[record + wordMeta] as number;
  const ports = words[record + wordPorts] as number;
  const first = firstEndpoint(words, record, meta, initiator);
  let at = 2;
  at = putAddress(words, record, meta, first, at);
  at = putAddress(words, record, meta, 1 - first, at);
  inputView.setUint16(at, metaOf.protocol(meta) << 8);
  at += 2;
  if (hasPorts(meta)) {
    inputView.setInt32(at, first === 0 ? ports : (ports << 16) | (ports >>> 16));
    at += 4;
  }
  Bun.SHA1.hash(at === ipv4Input.length ? ipv4Input : input.subarray(0, at), digest);
  bytes[start] = 0x31;
  bytes[start + 1] = 0x3a;
  return writeBase64(bytes, start + 2);
}

/** The specification puts ports into the hash for these protocols only. */
function hasPorts(meta: number): boolean {
  const protocol = metaOf.protocol(meta);
  return (
    metaOf.hasPorts(meta) &&
    (protocol === ipProtocols.tcp ||
      protocol === ipProtocols.udp ||
      protocol === ipProtocols.sctp ||
      protocol === ipProtocols.icmp ||
      protocol === ipProtocols.icmpv6)
  );
}

/** The endpoint that the specification puts first: the smaller one, but the sender of ICMP that nothing answers. */
function firstEndpoint(words: Int32Array, record: number, meta: number, initiator: number): number {
  const protocol = metaOf.protocol(meta);
  if (metaOf.hasPorts(meta) && (protocol === ipProtocols.icmp || protocol === ipProtocols.icmpv6)) {
    const ports = words[record + wordPorts] as number;
    const type = initiator === 0 ? ports >>> 16 : ports & 0xffff;
    const counterparts = protocol === ipProtocols.icmp ? icmpCounterparts : icmpv6Counterparts;
    if (counterparts[type] === -1) return initiator;
  }
  // a record holds the endpoints in order of signed words; the specification compares bytes
  const prefixes = metaOf.family(meta) === 4 ? 3 : 0;
  for (let i = prefixes; i < 4; i += 1) {
    const a = addressWord(words, record, 0, i) >>> 0;
    const b = addressWord(words, record, 1, i) >>> 0;
    if (a !== b) return a < b ? 0 : 1;
  }
  const ports = words[record + wordPorts] as number;
  return ports >>> 16 <= (ports & 0xffff) ? 0 : 1;
}

function addressWord(words: Int32Array, record: number, side: number, index: number): number {
  if (index === 3) return words[record + wordAddresses + side] as number;
  return words[record + (side === 0 ? wordPrefixA : wordPrefixB) + index] as number;
}

function putAddress(words: Int32Array, record: number, meta: number, side: number, start: number): number {
  let at = start;
  for (let i = metaOf.family(meta) === 4 ? 3 : 0; i < 4; i += 1) {
    inputView.setInt32(at, addressWord(words, record, side, i));
    at += 4;
  }
  return at;
}

/** Base64 (RFC 4648) of the digest: six times three bytes, then two with padding. */
function writeBase64(bytes: Uint8Array, start: number): number {
  let at = start;
  for (let i = 0; i < 20; i += 3) {
    const group =
      ((digest[i] as number) << 16) | ((digest[i + 1] as number) << 8) | (i + 2 < 20 ? (digest[i + 2] as number) : 0);
    bytes[at++] = base64Digits[group >>> 18] as number;
    bytes[at++] = base64Digits[(group >>> 12) & 63] as number;
    bytes[at++] = base64Digits[(group >>> 6) & 63] as number;
    bytes[at++] = i + 2 < 20 ? (base64Digits[group & 63] as number) : 0x3d;
  }
  return at;
}
