/**
 * The kernel's own facilities through libc (bun:ffi), each opened when it is first used: packet rings, links, eventfd,
 * poll, prctl, clocks, file systems, capabilities, eBPF. Knows nothing of packets, flows or configuration. Linux only;
 * elsewhere every call answers facility_missing. Nothing here is durable.
 */

export { bootClockNs } from "./boot-clock.ts";
export { BpfAssembler } from "./bpf-assembler.ts";
export { type KernelTypes, loadKernelTypes, parseKernelTypes } from "./bpf-btf.ts";
export type { BpfRegister } from "./bpf-instructions.ts";
export { type BpfEntries, type BpfMap, type BpfMapOptions, createBpfMap } from "./bpf-map.ts";
export { type BpfLink, type BpfProgram, loadBpfProgram } from "./bpf-program.ts";
export { type BpfRingBuffer, createBpfRingBuffer, type RecordSink } from "./bpf-ring-buffer.ts";
export { missingBpfCapabilities } from "./bpf-syscall.ts";
export { createTaskStorage } from "./bpf-task-storage.ts";
export { type CapabilityName, effectiveCapabilities, parseEffectiveCapabilities } from "./capabilities.ts";
export { type ClockDiscipline, readClockDiscipline } from "./clock-discipline.ts";
export { type ConnectOutcome, ConnectSet } from "./connect-set.ts";
export { createEventFd, type EventFd, signalEventFd } from "./event-fd.ts";
export { lockFile } from "./file-lock.ts";
export { type FileSystemFacts, readFileSystem } from "./file-system.ts";
export { type FrameSocket, openFrameSocket } from "./frame-socket.ts";
export { findInterface, listInterfaces, type NetworkInterface } from "./interfaces.ts";
export { type LinkForm, linkFormOf } from "./link-type.ts";
export { type InterfaceCounters, type LinkMonitor, openLinkMonitor } from "./netlink-links.ts";
export { openPacketRing, type PacketRing, type RingOptions, type RingStatistics } from "./packet-ring.ts";
export { Poller } from "./poll.ts";
export { dieWithParent, setThreadName } from "./process-control.ts";
export type { FrameSink } from "./ring-block.ts";
