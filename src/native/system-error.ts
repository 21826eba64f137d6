import { constants } from "node:os";
import { AmoskysError, type ErrorCode } from "../core/errors.ts";

const namesByNumber = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** `ENODEV` for 19; `errno 999` for a number without a name here. */
export function errnoName(number: number): string {
  return namesByNumber.get(number) ?? `errno ${number}`;
}

/** What a failed system call means to the one who asked for it. */
export interface FailedCall {
  /** The call with what it was made for, as in `socket(AF_PACKET)`. */
  readonly call: string;
  readonly errno: number;
  /** What could not be done, as in `Cannot capture on "eth0"`. */
  readonly what: string;
  /** The capability of linux/capability.h that would have allowed it. */
  readonly capability?: string;
  /** What to do where it is none of privilege, interface and facility. */
  readonly hint?: string;
}

const codes: Readonly<Record<string, ErrorCode>> = {
  EPERM: "privilege_missing",
  EACCES: "privilege_missing",
  ENODEV: "unknown_interface",
  ENOSYS: "facility_missing",
  EAFNOSUPPORT: "facility_missing",
  EPROTONOSUPPORT: "facility_missing",
  ENOPROTOOPT: "facility_missing",
  EOPNOTSUPP: "facility_missing",
};

/** The error of a failed system call: privilege, interface and facility by their own codes, the rest `internal`. */
export function systemError(failed: FailedCall): AmoskysError {
  const name = errnoName(failed.errno);
  const code = codes[name] ?? "internal";
  const details = { call: failed.call, errno: name };
  const message = `${failed.what}: ${failed.call} failed with ${name}`;
  if (code === "privilege_missing" && failed.capability) {
    return new AmoskysError(code, `${failed.what}: ${failed.capability} is missing`, {
      hint: `sudo amoskys, or a service with AmbientCapabilities=${failed.capability}; amoskys doctor shows the rest`,
      details: { ...details, capability: failed.capability },
    });
  }
  if (code === "facility_missing") {
    return new AmoskysError(code, `${failed.what}: this kernel lacks ${failed.call} (${name})`, {
      hint: "amoskys doctor",
      details,
    });
  }
  return new AmoskysError(code, message, { details, ...(failed.hint !== undefined && { hint: failed.hint }) });
}
