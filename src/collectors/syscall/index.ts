/**
 * The syscall collector: programs in the kernel count system calls, errors and latencies by process, and tell of every
 * executed program. May not know signing, logs or the network. Nothing here is durable: an event is safe once the
 * context's outbox has it.
 */
export { syscallCollector } from "./collector.ts";
export { type SyscallConfig, syscallConfigSchema } from "./config.ts";
