import { readReply } from "./reply-lines.ts";
import { type ServiceFacts, serviceFacts } from "./service-facts.ts";

/** Software that names itself: [product, pattern]; the first group of a pattern is the version. */
const software: readonly (readonly [string, RegExp])[] = [
  ["Postfix", /\bPostfix\b(?: \((\d[\w.-]*)\))?/],
  ["Exim", /\bExim (\d[\w.]*)/],
  ["Sendmail", /\bSendmail (\d[\w./]*)/],
  ["Microsoft ESMTP", /Microsoft ESMTP MAIL Service(?:, Version: (\d[\d.]*))?/],
  ["OpenSMTPD", /\bOpenSMTPD\b/],
  ["Haraka", /\bHaraka(?:\/(\d[\w.]*))?/],
];

/** A greeting that says SMTP or names a mail server. */
export function parseSmtp(bytes: Uint8Array): ServiceFacts | undefined {
  const reply = readReply(bytes);
  if (!reply || ![220, 421, 554].includes(reply.code)) return undefined;
  const known = software.find(([, pattern]) => pattern.test(reply.text));
  if (!known && !/\bE?SMTP\b/i.test(reply.text)) return undefined;
  const version = known?.[1].exec(reply.text)?.[1];
  return serviceFacts("smtp", reply.complete, { product: known?.[0], version });
}

/** Tells SMTP from FTP where a greeting does not: SMTP knows the word (RFC 5321, 4.1.1.1), FTP answers 5xx. */
export const helloProbe: Uint8Array = Buffer.from("EHLO amoskys.invalid\r\n", "latin1");

/** Whether the bytes are a greeting of either of the two. */
export function isNumberedGreeting(bytes: Uint8Array): boolean {
  const reply = readReply(bytes);
  return reply?.complete === true && reply.code === 220;
}

/** What the answer to `helloProbe` says of the server. */
export function parseHelloAnswer(bytes: Uint8Array): ServiceFacts | undefined {
  const reply = readReply(bytes);
  if (!reply) return undefined;
  if (reply.code === 250) return serviceFacts("smtp", reply.complete);
  return [500, 502, 503, 530].includes(reply.code) ? serviceFacts("ftp", reply.complete) : undefined;
}
