import { latin1, type ServiceFacts, serviceFacts } from "./service-facts.ts";

/** Reads what the server says of itself; changes nothing (redis.io/commands/info). */
export const redisProbe: Uint8Array = Buffer.from("INFO server\r\n", "latin1");

/** An answer of the Redis protocol to `redisProbe`: the section, or that it takes a password. */
export function parseRedis(bytes: Uint8Array): ServiceFacts | undefined {
  const text = latin1(bytes);
  const refused = /^-(NOAUTH|NOPERM|DENIED|LOADING|MASTERDOWN|WRONGPASS|ERR operation not permitted)/.exec(text);
  if (refused)
    return serviceFacts("redis", text.includes("\r\n"), { product: "Redis", details: { error: refused[1] } });
  const size = /^\$(\d+)\r\n# Server\r\n/.exec(text);
  if (!size) return undefined;
  const version = /\n(?:valkey_version|redis_version):([^\r\n]+)\r/.exec(text)?.[1];
  const product = text.includes("\nvalkey_version:") || text.includes("\nserver_name:valkey") ? "Valkey" : "Redis";
  return serviceFacts("redis", version !== undefined, {
    product,
    version: /\nvalkey_version:([^\r\n]+)\r/.exec(text)?.[1] ?? version,
    details: { mode: /\nredis_mode:([^\r\n]+)\r/.exec(text)?.[1] },
  });
}
