import { latin1, type ServiceFacts, serviceFacts } from "./service-facts.ts";

/** An identification string has at most 255 bytes (RFC 4253, 4.2). */
const softwareCharsMax = 255;

/** `OpenSSH_9.2p1` is OpenSSH 9.2p1; a name that has no number behind `_`, `-` or a space is all product. */
function splitSoftware(software: string): { product: string; version?: string } {
  const match = /^(.*?[^\s_-])[\s_-]+v?(\d[\w.+-]*)$/i.exec(software);
  return match ? { product: match[1] as string, version: match[2] as string } : { product: software };
}

/**
 * The identification string of an SSH server (RFC 4253, 4.2): `SSH-PROTOCOL-SOFTWARE COMMENT`; lines may stand before
 * it.
 */
export function parseSsh(bytes: Uint8Array): ServiceFacts | undefined {
  const match = /(?:^|\n)SSH-(\d\.\d+)-([^\s]*)(?: ([^\r\n]*))?(\r?\n)?/.exec(latin1(bytes));
  if (!match) return undefined;
  const [, protocol, software = "", comment, end] = match;
  return serviceFacts("ssh", end !== undefined, {
    ...splitSoftware(software.slice(0, softwareCharsMax)),
    details: { protocol, comment },
  });
}
