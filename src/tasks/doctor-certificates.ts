import { printable } from "../core/escape.ts";
import { statOf } from "../core/system-error.ts";
import type { IdentityPaths } from "../identity/index.ts";
import { type CheckOptions, checkCertificates, firstProblem } from "./certs-check.ts";
import { type DoctorCheck, makeCheck } from "./doctor-check.ts";

const lost = "roles refuse to start, or the bus refuses them";

/** Where the identity of a home lies and what of it is needed. */
export interface HomeIdentity extends Omit<CheckOptions, "nowMs"> {
  readonly paths: IdentityPaths;
}

/** The certificates, keys and trust map of a home: there, right, and until when. */
export function checkHomeCertificates({ paths, ...needs }: HomeIdentity, nowMs: number): Promise<DoctorCheck> {
  return makeCheck("certificates", lost, () => {
    const report = checkCertificates(paths, { nowMs, ...needs });
    const { certificates, problems } = report;
    if (certificates.length === 0 && !statOf(paths.trustMap)) {
      const hint = "amoskys up, or amoskys certs init";
      return { status: "warn", found: `none in ${paths.certs} yet`, lost: "nothing runs before they are made", hint };
    }
    const first = firstProblem(report);
    if (first) {
      const others = first.more > 0 ? `, and ${first.more} more` : "";
      const found = printable(`${first.about}: ${first.problem}${others}`);
      return { status: "fail", code: "identity_invalid", found, lost, hint: first.hint ?? "amoskys certs check" };
    }
    const [warning] = problems;
    if (warning) {
      const found = printable(`${warning.about}: ${warning.problem}`);
      const hint = `remove ${warning.about} if that is meant, else: ${warning.hint ?? "amoskys certs check"}`;
      return { status: "warn", found, lost: "the bus refuses who has this certificate", hint };
    }
    const next = certificates.reduce((a, b) => (b.notAfterMs < a.notAfterMs ? b : a));
    const day = new Date(next.notAfterMs).toISOString().slice(0, 10);
    const figures = { certificates: certificates.length, first_ends: new Date(next.notAfterMs).toISOString() };
    return { status: "ok", found: `${certificates.length}, the first to end is ${next.name} on ${day}`, figures };
  });
}
