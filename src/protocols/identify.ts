import { parseDns } from "./dns.ts";
import { parseFtp } from "./ftp.ts";
import { parseHttp } from "./http.ts";
import { parseMqtt } from "./mqtt.ts";
import { parseMysql } from "./mysql.ts";
import { parsePostgres } from "./postgres.ts";
import type { ProbeName } from "./probes.ts";
import { parseRedis } from "./redis.ts";
import type { ServiceFacts } from "./service-facts.ts";
import { parseSmtp } from "./smtp.ts";
import { parseSsh } from "./ssh.ts";
import { parseTls } from "./tls.ts";

/** Forms that say by themselves what they are, whatever was sent before. */
const unmistakable = [parseSsh, parseSmtp, parseFtp, parseHttp, parseTls, parseMysql, parseRedis] as const;

/** Forms that mean something as the answer to one probe only. */
const answers: Partial<Record<ProbeName, (bytes: Uint8Array) => ServiceFacts | undefined>> = {
  postgres: parsePostgres,
  mqtt: parseMqtt,
  dns: parseDns,
};

/** Which service said these bytes, after `probe` was sent or unasked; undefined where it is none that is known. */
export function identifyService(bytes: Uint8Array, probe?: ProbeName): ServiceFacts | undefined {
  const answer = probe && answers[probe]?.(bytes);
  if (answer) return answer;
  for (const parse of unmistakable) {
    const facts = parse(bytes);
    if (facts) return facts;
  }
  return undefined;
}
