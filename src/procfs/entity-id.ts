import { blake2b256 } from "../core/hashes.ts";

/**
 * Names one process of one boot: 32 hex digits, the same for every agent that sees it, also when its pid is used again.
 * It is the first half of BLAKE2b-256 over `BOOT_ID PID START_TICKS`, the start being field 22 of /proc/PID/stat.
 */
export function entityIdOf(bootId: string, pid: number, startTicks: number): string {
  const digest = blake2b256(new TextEncoder().encode(`${bootId} ${pid} ${startTicks}`));
  return Buffer.from(digest.buffer, digest.byteOffset, 16).toString("hex");
}
