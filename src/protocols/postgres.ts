import { type ServiceFacts, serviceFacts } from "./service-facts.ts";

/** SSLRequest (PostgreSQL, 55.7 message formats): asks whether TLS would be spoken; no session is begun. */
export const postgresProbe: Uint8Array = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f);

/** The one byte that answers `postgresProbe`; means nothing as the answer to anything else. */
export function parsePostgres(bytes: Uint8Array): ServiceFacts | undefined {
  const answer = bytes.length === 1 ? bytes[0] : undefined;
  if (answer !== 0x53 && answer !== 0x4e) return undefined;
  return serviceFacts("postgres", true, {
    product: "PostgreSQL",
    details: { tls: answer === 0x53 ? "offered" : "none" },
  });
}
