import { AmoskysError } from "../core/errors.ts";
import type { CollectorCommand } from "./collector-command.ts";
import { listOption } from "./context.ts";

/** `amoskys agent flow`. */
export const flowAgent: CollectorCommand = {
  name: "flow",
  description: "flows of network interfaces, or of a capture file",
  once: false,
  configure: (command) =>
    command
      .option(
        "--iface <if>",
        "interface to capture from; may be given again (default: all that are up, but lo)",
        listOption,
      )
      .option("--read <file>", "pcap or pcapng file to read; -: standard input"),
  flags: ({ iface, read }) => {
    if (iface === undefined || read === undefined) return { "flow.interfaces": iface };
    throw new AmoskysError("usage", "Flows come from interfaces or a file: --iface and --read exclude each other");
  },
  help: `
With --read and without --print every flow is published, and the command ends when the bus has all of them. A capture
that breaks off counts for what is readable of it, and ends with 3.

Examples:
  amoskys agent flow --iface eth0
  amoskys agent flow --read capture.pcap --print`,
  exits: { 2: "no such interface or file", 3: "the capture is truncated", 14: "no privilege to capture" },
};
