import type { AmoskysError } from "../../core/errors.ts";
import type { PolledDevice } from "./poll-device.ts";

/** States of the wire (StatusData) in which a device can be. */
export type DeviceStatus = "ONLINE" | "DEGRADED" | "OFFLINE";

/** What the network says of the way to a device (errno(3)). Any other errno of a send is a fault of this host. */
const remoteErrnos = new Set<unknown>(["EHOSTUNREACH", "EHOSTDOWN", "ECONNREFUSED", "ECONNRESET"]);

/**
 * What a failure says of the device: OFFLINE where nothing came from it, DEGRADED where it said no or what it said is
 * not valid. Undefined where this host could not ask, which says nothing of the device.
 */
export function statusFor({ code, details }: AmoskysError): DeviceStatus | undefined {
  if (code === "timeout") return "OFFLINE";
  if (code === "unreachable") return remoteErrnos.has(details.errno) ? "OFFLINE" : undefined;
  if (code === "identity_refused") return "DEGRADED";
  if (code !== "answer_invalid") return undefined;
  // what came from another address is not of the device
  return details.discarded === "source" ? "OFFLINE" : "DEGRADED";
}

/** The status of a device after a try; undefined where this host could not ask it. */
export function statusOf({ address, reading, failure }: PolledDevice): DeviceStatus | undefined {
  if (reading) return failure || reading.isCut ? "DEGRADED" : "ONLINE";
  // a name without an address is a matter of the resolver
  return failure && address !== "" ? statusFor(failure) : undefined;
}
