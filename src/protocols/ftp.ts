import { readReply } from "./reply-lines.ts";
import { type ServiceFacts, serviceFacts } from "./service-facts.ts";

/** Software that names itself in its greeting: [product, pattern]; the first group of a pattern is the version. */
const software: readonly (readonly [string, RegExp])[] = [
  ["ProFTPD", /ProFTPD(?: (\d[\w.]*))?/i],
  ["vsFTPd", /vsFTPd(?: (\d[\w.+-]*?))?(?:\)|:|\s|$)/i],
  ["Pure-FTPd", /Pure-FTPd(?: (\d[\w.]*))?/i],
  ["FileZilla Server", /FileZilla Server(?: version)?(?: v?(\d[\w.]*))?/i],
  ["Serv-U", /Serv-U FTP[- ]Server(?: v?(\d[\d.]*))?/i],
  ["WU-FTPD", /Version wu(?:ftpd)?-(\d[\d.]*)/i],
  ["NcFTPd", /NcFTPd/],
  ["WS_FTP", /WS_FTP Server(?: (\d[\d.]*))?/i],
  ["IIS", /Microsoft FTP Service(?: \(Version (\d[\d.]*)\))?/],
  ["zFTPServer", /zFTPServer(?: v?(\d[\w.]*))?/],
  ["CrushFTP", /CrushFTP/],
  ["Gene6 FTP Server", /Gene6 FTP Server v?(\d[\w.]*)/],
  ["GuildFTPd", /GuildFTPd FTP Server \(c\) \d+\s*(?:Version )?(\d[\w.]*)?/i],
  ["Titan FTP", /Titan FTP Server (\d[\w.]*)/i],
  ["bftpd", /bftpd (\d[\w.]*)/i],
];

/** A greeting in words of its own: `(Version 6.00LS)`, `Xlight FTP Server 3.9`. */
const versionInWords = /(?:Version|FTP Server|FTPD|server)[ :(-]+(?:v(?:er(?:sion)?)?\.? ?)?(\d+\.[\w.]*)/i;

/** What a greeting without its number says of the software. */
export function ftpSoftware(text: string): { product?: string | undefined; version?: string | undefined } {
  for (const [product, pattern] of software) {
    const match = pattern.exec(text);
    if (match) return { product, version: match[1] };
  }
  return { version: versionInWords.exec(text)?.[1] };
}

/** The greeting of an FTP server, by its own word; 220 alone may be SMTP too. */
export function parseFtp(bytes: Uint8Array): ServiceFacts | undefined {
  const reply = readReply(bytes);
  if (!reply || ![120, 220, 230, 421, 530].includes(reply.code)) return undefined;
  if (!/FTP/i.test(reply.text) || /E?SMTP/.test(reply.text)) return undefined;
  return serviceFacts("ftp", reply.complete, ftpSoftware(reply.text));
}
