import { latin1 } from "./service-facts.ts";

/** A reply of numbered lines, as FTP (RFC 959, 4.2) and SMTP (RFC 5321, 4.2) have them. */
export interface ReplyLines {
  readonly code: number;
  /** The texts behind the number, line by line. */
  readonly text: string;
  /** Its last line has come. */
  readonly complete: boolean;
}

/** Reads the first reply; undefined for what is none. */
export function readReply(bytes: Uint8Array): ReplyLines | undefined {
  const whole = latin1(bytes);
  const first = /^([1-5]\d\d)([ -]|\r?\n)/.exec(whole);
  if (!first) return undefined;
  const code = first[1] as string;
  const lines = whole.split(/\r?\n/);
  const last = lines.findIndex((line) => line === code || line.startsWith(`${code} `));
  const complete = last >= 0 && last < lines.length - 1;
  const kept = last < 0 ? lines : lines.slice(0, last + 1);
  const text = kept.map((line) => line.replace(/^\d{3}[ -]?/, "")).join("\n");
  return { code: Number(code), text, complete };
}
