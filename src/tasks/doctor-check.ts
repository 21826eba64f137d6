import { AmoskysError, type ErrorCode } from "../core/errors.ts";

/** One thing that was looked at. */
export interface DoctorCheck {
  readonly name: string;
  /** `warn`: it works, but not as it should; `fail`: what this home is to run will not. */
  readonly status: "ok" | "warn" | "fail";
  /** What is there. */
  readonly found: string;
  /** What is lost by it, unless it is ok. */
  readonly lost?: string;
  /** What to do about it. */
  readonly hint?: string;
  /** What a command that needs it would end with; set where the check failed. */
  readonly code?: ErrorCode;
  /** What was measured, by name with its unit. */
  readonly figures?: Readonly<Record<string, number | string | boolean>>;
}

/** A check that could not be made, or found an error, is a failed one. */
export function failedCheck(name: string, lost: string, caught: unknown): DoctorCheck {
  const { code, message, hint } = AmoskysError.from(caught);
  return { name, status: "fail", found: message, lost, code, ...(hint !== undefined && { hint }) };
}

/** Makes a check; an error that it throws is its result. */
export async function makeCheck(
  name: string,
  lost: string,
  look: () => Omit<DoctorCheck, "name"> | Promise<Omit<DoctorCheck, "name">>,
): Promise<DoctorCheck> {
  try {
    return { name, ...(await look()) };
  } catch (caught) {
    return failedCheck(name, lost, caught);
  }
}
