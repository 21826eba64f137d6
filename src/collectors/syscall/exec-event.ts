import { create, toBinary } from "@bufbuild/protobuf";
import type { CollectedEvent } from "../../core/event.ts";
import { ProcessEventSchema } from "../../gen/messaging_schema_pb.ts";
import { bootTicks, type CgroupPlace, entityIdOf, parseCommandLine, startTimeNs } from "../../procfs/index.ts";
import { textOf } from "./decode.ts";
import { execRecord } from "./layout.ts";

/** One execution as the kernel told it. */
export interface Execution {
  readonly bootNs: bigint;
  readonly startNs: bigint;
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
  readonly gid: number;
  /** Number of its control group in the unified tree. */
  readonly cgroupId: bigint;
  /** The file as it was named to execve(2), which may be relative; of a script, the script. */
  readonly exe: string;
  readonly args: readonly string[];
  /** The arguments could not be read. */
  readonly isArgsMissing: boolean;
}

/** Reads a record of the ring buffer; undefined where it is too short to be one. */
export function decodeExecution(view: DataView, offset: number, length: number): Execution | undefined {
  if (length < execRecord.args) return undefined;
  const roomBytes = length - execRecord.args;
  const argsBytes = view.getUint32(offset + execRecord.argsBytes, true);
  const isArgsMissing = view.getInt32(offset + execRecord.argsOutcome, true) !== 0;
  const at = view.byteOffset + offset;
  const file = new Uint8Array(view.buffer, at + execRecord.file, execRecord.fileBytes);
  // one byte more than there is room for says that they were cut; it is not looked at
  const args = Buffer.from(view.buffer, at + execRecord.args, Math.min(argsBytes, roomBytes));
  return {
    bootNs: view.getBigUint64(offset + execRecord.bootNs, true),
    startNs: view.getBigUint64(offset + execRecord.startNs, true),
    pid: view.getUint32(offset + execRecord.process, true),
    ppid: view.getUint32(offset + execRecord.parent, true),
    uid: view.getUint32(offset + execRecord.user, true),
    gid: view.getUint32(offset + execRecord.group, true),
    cgroupId: view.getBigUint64(offset + execRecord.cgroup, true),
    exe: textOf(file),
    args: isArgsMissing ? [] : parseCommandLine(args, argsBytes, roomBytes),
    isArgsMissing,
  };
}

/** What turns times and numbers of this boot into those that other agents use. */
export interface BootFacts {
  readonly bootId: string;
  /** When the system booted, as /proc/stat says it. */
  readonly bootTimeS: number;
  /** The wall clock less CLOCK_BOOTTIME, now. */
  readonly wallOffsetNs: bigint;
}

/** The identity that `agent proc` gives the same process: its start in ticks of /proc/PID/stat is part of it. */
export function entityIdAt(bootId: string, pid: number, startNs: bigint): string {
  return entityIdOf(bootId, pid, bootTicks(startNs));
}

/** The event of an execution, at the time of the execution; without a place where that could not be had any more. */
export function execEvent(execution: Execution, boot: BootFacts, place?: CgroupPlace): CollectedEvent {
  const { pid, ppid, exe, args, uid, gid, bootNs, startNs } = execution;
  const message = create(ProcessEventSchema, {
    pid: BigInt(pid),
    ppid: BigInt(ppid),
    exe,
    args: [...args],
    startTsNs: startTimeNs(boot.bootTimeS, bootTicks(startNs)),
    uid,
    gid,
    cgroup: place?.path ?? "",
    containerId: place?.containerId ?? "",
    kind: "exec",
    source: "ebpf",
    entityId: entityIdAt(boot.bootId, pid, startNs),
  });
  return { kind: "process", tsNs: bootNs + boot.wallOffsetNs, payload: toBinary(ProcessEventSchema, message) };
}
